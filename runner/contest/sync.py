"""Take the files of the folders of teams: each becomes an entry once, or a sentence says why not.

Teams may write to their folders while this reads them. So a file is read once, without following a link, and
what is judged is the copy. Folders and links are no submissions here.
"""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from runner.challenge.challenge import Challenge
from runner.competition.competition import Competition
from runner.competition.intake import Intake, intake
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.inbox import ListedFile, cause, listed_files
from runner.contest.inspection import NotTakenError, inspected
from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.store.competition.records import CompetitionEntry, NewCompetitionEntry, Team
from runner.store.database import utc_now
from runner.store.paths import store_archive
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission
from runner.submission.pack import ChangedFileError, display_path, read_submission_file

_REASON_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncedFile:
    """What became of a file."""

    team: str
    file_name: str
    entry: CompetitionEntry | None
    """None where it became none."""
    is_new: bool
    """Whether this command took it."""
    sentence: str | None = None
    """Why it became no entry, or one without an evaluation."""
    remaining: int | None = None
    """Entries that remained to the team before it, by the quotas of the phase."""
    resets_at: datetime | None = None
    """When the quota changes by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intaker:
    """Takes files as entries of one phase."""

    store: Store
    folder: Path
    """Of the store."""
    competition: Competition
    phase: Phase
    challenge: Challenge
    clock: Callable[[], datetime] = utc_now

    def sync(self, inbox: Path) -> Iterator[SyncedFile]:
        """Take the files of all teams; yield what became of each.

        All of them are received at the moment at which this begins, so a file that changes later waits for
        the next command.

        Args:
            inbox: With a folder for each team, of its name.

        Raises:
            ConfigurationError: it is no folder.
            HostNotReadyError: the store cannot be written.
        """
        now = self.clock()
        teams = {team.name: team for team in self.store.teams(self.competition.name)}
        known = self._known()
        files: list[tuple[str, ListedFile]] = []
        for folder in sorted(each.path for each in listed_files(inbox)):
            name = display_path(Path(folder.name))
            team = teams.get(folder.name)
            if team is None or team.revoked is not None or folder.is_symlink() or not folder.is_dir():
                yield _without_team(name, _no_team(name, folder, teams))
                continue
            try:
                files += [(team.name, file) for file in listed_files(folder, is_of_team=True)]
            except ConfigurationError as error:
                yield _without_team(name, sanitize_line(str(error)))
        for owner, file in files:
            try:
                yield self._take(owner, file, known, now)
            except ConfigurationError as error:  # its team was revoked meanwhile: the others go on
                yield SyncedFile(
                    team=owner,
                    file_name=display_path(Path(file.path.name)),
                    entry=None,
                    is_new=False,
                    sentence=sanitize_line(str(error)),
                )

    def _known(self) -> dict[str, CompetitionEntry]:
        """Return the entries of the phase by their keys: most files were taken before."""
        entries = self.store.competition_entries(self.competition.name, phase=self.phase.name)
        return {entry.idempotency_key: entry for entry in entries if entry.idempotency_key is not None}

    def _take(
        self, team: str, listed: ListedFile, known: Mapping[str, CompetitionEntry], now: datetime
    ) -> SyncedFile:
        """Take one file: a ``.zip`` or ``.py`` file; anything else is refused.

        Raises:
            ConfigurationError: there is no such team, or it is revoked.
            HostNotReadyError: the store cannot be written.
        """
        name = display_path(Path(listed.path.name))
        try:
            content, size = _read(listed, self.challenge)
        except NotTakenError as error:
            sentence = f"It was not taken: {error}. The next sync tries it again."
            return SyncedFile(team=team, file_name=name, entry=None, is_new=False, sentence=sentence)
        is_refused = isinstance(content, RefusedSubmission)
        reason = content.reason if isinstance(content, RefusedSubmission) else None
        key = _key(self.phase.name, team, name, content.sha256 or reason or "")
        if key in known:
            return SyncedFile(team=team, file_name=name, entry=known[key], is_new=False, sentence=reason)
        new = NewCompetitionEntry(
            competition=self.competition.name,
            phase=self.phase.name,
            team=team,
            file_name=name,
            archive_sha256=content.sha256,
            bytes=size,
            challenge=self.phase.challenges[0],
            idempotency_key=key,
        )
        decide: Callable[..., Intake] = partial(intake, self.competition, self.phase)
        if isinstance(content, Submission):
            past = self.store.past_entries(self.competition.name, self.phase.name, team)
            if decide(past, now).state is not None:  # no row without its bytes
                store_archive(self.folder, content.archive, sha256=content.sha256)
        taken = self.store.take_entry(
            new,
            decide,
            steps=(EntryState.CHECKING, EntryState.REFUSED if is_refused else EntryState.QUEUED),
            reason=reason,
            clock=lambda: now,
        )
        if isinstance(content, Submission) and taken.is_new:
            # `clean` may have removed an archive of equal content before it saw this row.
            store_archive(self.folder, content.archive, sha256=content.sha256)
        decision = taken.intake
        return SyncedFile(
            team=team,
            file_name=name,
            entry=taken.entry,
            is_new=taken.is_new,
            sentence=decision.refusal if decision is not None and decision.refusal else reason,
            remaining=decision.remaining if decision is not None else None,
            resets_at=decision.resets_at if decision is not None else None,
        )


def _read(listed: ListedFile, challenge: Challenge) -> tuple[Submission | RefusedSubmission, int]:
    """Return what a file holds, and its size; it is read once, and what is read is judged.

    Raises:
        HostNotReadyError: there is no room for a copy.
        NotTakenError: it cannot be read now.
    """
    file = listed.path
    try:
        status = file.lstat()
        if (kind := _other_kind(file, status.st_mode)) is not None:
            return _refused(
                file, f"{display_path(Path(file.name))} is {kind}; hand in a .zip or a .py file."
            ), 0
        if status.st_ctime_ns != listed.changed_ns:
            raise NotTakenError("it has changed since this sync began")
        data = read_submission_file(file)
    except ChangedFileError as error:
        raise NotTakenError("it changed while it was read") from error
    except ConfigurationError as error:
        return _refused(file, str(error).replace(f"{display_path(file.parent)}/", "")), 0
    except OSError as error:
        raise NotTakenError(f"it cannot be read: {cause(error)}") from error
    content = inspected(file.name, data, challenge)
    return content, len(content.archive) if isinstance(content, Submission) else len(data)


def _other_kind(file: Path, mode: int) -> str | None:
    """Return what a file is if it can be no submission."""
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISLNK(mode):
        return "a link"
    if not stat.S_ISREG(mode):
        return "not a regular file"
    return None if file.suffix.lower() in (".zip", ".py") else "neither .zip nor .py"


def _refused(file: Path, reason: str) -> RefusedSubmission:
    return RefusedSubmission(
        name=display_path(Path(file.name)), reason=sanitize_line(reason, _REASON_CHARACTERS)
    )


def _without_team(name: str, sentence: str) -> SyncedFile:
    return SyncedFile(team="", file_name=name, entry=None, is_new=False, sentence=sentence)


def _no_team(name: str, folder: Path, teams: Mapping[str, Team]) -> str:
    if folder.name in teams:
        team = teams[folder.name]
        if team.merged_into is not None:
            return f"Team {name} was merged into {team.merged_into}."
        if team.revoked is not None:
            return f"Team {name} was {'revoked' if team.deleted is None else 'deleted'}."
        return f"{name} is no folder, or a link to one."
    if not folder.is_dir():
        return f"{name} lies in no team's folder."
    return f"There is no team {name!r}; add it with: unlearn competition team add"


def _key(phase: str, team: str, name: str, content: str) -> str:
    return hashlib.sha256(json.dumps(["sync", phase, team, name, content]).encode()).hexdigest()
