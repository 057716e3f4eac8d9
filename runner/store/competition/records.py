"""The records of competitions: teams, entries, acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from runner.competition.scopes import Scope
from runner.competition.states import EntryState


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team of a competition."""

    name: str
    created: datetime
    has_token: bool
    revoked: datetime | None
    """Since when nothing is taken from it: also of a team that was merged or deleted."""
    merged_into: str | None = None
    """The team that has its entries now."""
    deleted: datetime | None = None
    """Since when its entries are withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is stored of an access token."""

    id: int
    team: str | None
    """None for one of an organizer."""
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime | None
    revoked: datetime | None

    def is_valid(self, now: datetime) -> bool:
        """Return whether it opens anything at a moment."""
        return self.revoked is None and (self.expires is None or now < self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCompetitionEntry:
    """An entry before it is taken."""

    competition: str
    phase: str
    team: str
    file_name: str
    """As it was handed in, sanitized."""
    archive_sha256: str | None
    """Of the submission's archive, or of the file that was refused; None for other files that were."""
    bytes: int
    """Size of the archive."""
    challenge: str
    """Its folder, as the phase names it."""
    idempotency_key: str | None = None
    """What has the same key is the same entry."""
    source: int | None = None
    """The entry that is judged again: in a final, or in a batch of its own phase."""
    upload: str | None = None
    """Name of the file that the web service received."""
    upload_sha256: str | None = None
    """Of the bytes of that file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompetitionEntry(NewCompetitionEntry):
    """An entry as the store has it."""

    id: int
    received: datetime
    state: EntryState
    state_since: datetime
    evaluation: str | None
    """None until it is about to run."""
    reason: str | None
    """Why it was refused, held or taken out."""
    attempts: int
    """How often the sandbox failed."""
    seconds: float
    """Wall time that was spent on it."""
    batch: int | None
    """Number of the rejudging that it is part of."""
    pending: bool
    """Part of a rejudging that is not applied."""
    rescores: str | None = None
    """The evaluation whose stored outputs are scored again, where nothing is executed."""

    @property
    def is_rescored(self) -> bool:
        """Whether stored outputs are scored again, in place of runs."""
        return self.rescores is not None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of an entry, for organizers."""
        return {
            "entry": self.id,
            "phase": self.phase,
            "team": self.team,
            "file": self.file_name,
            "received": self.received.isoformat(),
            "submission_sha256": self.archive_sha256,
            "state": str(self.state),
            "state_since": self.state_since.isoformat(),
            "challenge": self.challenge,
            "evaluation": self.evaluation,
            "reason": self.reason,
            "attempts": self.attempts,
            "seconds": self.seconds,
            "source": self.source,
            "batch": self.batch,
            "pending": self.pending,
            "rescores": self.rescores,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """What somebody does to a competition, for the audit."""

    who: str
    act: str
    """A verb, such as ``withdraw``."""
    subject: str
    """What it is done to: an entry, a team, a phase."""
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedAct(Act):
    """An act in the audit."""

    at: datetime
