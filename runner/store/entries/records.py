"""The fields of an entry. It imports little, because `unlearn list` reads entries too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from runner.store.stored_evaluation import require_types, stored_time


class Outcome(StrEnum):
    """What came of an entry; verdicts are of runs."""

    SCORED = "scored"
    """Or judged, on a challenge that comes without references."""
    FAILED = "failed"
    """A run failed, or there is no score for another reason of the submission's."""
    HELD = "held"
    """The sandbox was lost: it is evaluated when it is typed again."""
    REFUSED = "refused"
    """Its files are no submission, so it has no evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry before it is recorded."""

    name: str
    path: str | None
    """As typed; None in entries of earlier stores."""
    folder: str | None
    """The folder in which it was typed; None in entries of earlier stores."""
    content_sha256: str | None
    """Of the submission's archive, or of the file that was refused; None for other files that were."""
    challenge: str
    """The challenge's name."""
    challenge_sha256: str
    n: int
    """How many runs were requested."""
    evaluation: str | None
    """Its evaluation, which may not have begun; None if it was refused."""
    outcome: Outcome | None = None
    """None until its evaluation has ended."""
    reason: str | None = None
    """Why it was refused or held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(NewEntry):
    """An entry as the store has it."""

    id: int
    """Counts up, and is not used again once the entry is removed."""
    command: str
    """Identifies the command that recorded it; empty in entries of earlier stores."""
    received: datetime
    team: str | None = None
    note: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of an entry, as ``--json`` prints it."""
        return {
            "entry": self.id,
            "submission": self.name,
            "path": self.path,
            "received": self.received.isoformat(),
            "submission_sha256": self.content_sha256,
            "challenge": self.challenge,
            "n": self.n,
            "evaluation": self.evaluation,
            "outcome": self.outcome,
            "reason": self.reason,
        }


COLUMNS: Final = (
    *("id", "command", "received", "name", "path", "folder", "content_sha256", "challenge"),
    *("challenge_sha256", "n", "evaluation", "outcome", "reason", "team", "note"),
)
_TEXTS: Final = ("command", "name", "challenge", "challenge_sha256")
_OPTIONAL_TEXTS: Final = (
    "path",
    "folder",
    "content_sha256",
    "evaluation",
    "outcome",
    "reason",
    "team",
    "note",
)


def entry_from_row(row: Mapping[str, Any]) -> Entry:
    """Return the entry in a row, by the names of the columns.

    Raises:
        ValueError: a value is of another type than the column's.
        TypeError: the same.
    """
    require_types(
        row,
        (_TEXTS, (str,)),
        (_OPTIONAL_TEXTS, (str, Outcome, type(None))),
        (("id", "n"), (int,)),
    )
    values = {name: row[name] for name in COLUMNS}
    values["received"] = stored_time(row["received"])
    values["outcome"] = Outcome(row["outcome"]) if row["outcome"] is not None else None
    return Entry(**values)
