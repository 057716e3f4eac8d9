"""Take the files of the folders of teams: each becomes an entry once, or a sentence says why not.

Teams may write to their folders while this reads them. So a file is read once, without following a link, and
what is judged is the copy. Folders and links are no submissions here.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Final

from runner.challenge.challenge import Challenge
from runner.competition.competition import Competition
from runner.competition.intake import Intake, intake
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.errors import ConfigurationError, HostNotReadyError
from runner.evaluation.entries import read_hand_in
from runner.sanitize import sanitize_line
from runner.store.competition.records import CompetitionEntry, NewCompetitionEntry, Team
from runner.store.database import utc_now
from runner.store.paths import store_archive
from runner.store.store import Store
from runner.submission.load import RefusedSubmission, Submission
from runner.submission.pack import display_path, read_submission_file
from sandbox.protocol.clutter import is_clutter

MAX_FILES: Final = 2000
"""Files in a team's folder, taken or not: each is read whenever the folders are."""
_REASON_CHARACTERS: Final = 1000
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")
"""Endings of files that are still being written."""
_NONE: Final[Mapping[str, CompetitionEntry]] = MappingProxyType({})


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

        Args:
            inbox: With a folder for each team, of its name.

        Raises:
            ConfigurationError: it is no folder.
            HostNotReadyError: the store cannot be written.
        """
        teams = {team.name: team for team in self.store.teams(self.competition.name)}
        known = self._known()
        for folder in _listed(inbox):
            name = display_path(Path(folder.name))
            team = teams.get(folder.name)
            if team is None or team.revoked is not None or folder.is_symlink() or not folder.is_dir():
                yield SyncedFile(
                    team="", file_name=name, entry=None, is_new=False, sentence=_no_team(name, folder, teams)
                )
                continue
            try:
                files = _listed(folder, most=MAX_FILES)
            except ConfigurationError as error:
                yield SyncedFile(
                    team="", file_name=name, entry=None, is_new=False, sentence=sanitize_line(str(error))
                )
                continue
            for file in files:
                yield self.take(team.name, file, known)

    def _known(self) -> dict[str, CompetitionEntry]:
        """Return the entries of the phase by their keys: most files were taken before."""
        entries = self.store.competition_entries(self.competition.name, phase=self.phase.name)
        return {entry.idempotency_key: entry for entry in entries if entry.idempotency_key is not None}

    def take(self, team: str, file: Path, known: Mapping[str, CompetitionEntry] = _NONE) -> SyncedFile:
        """Take one file.

        Args:
            team: Whose it is.
            file: A ``.zip`` or ``.py`` file; anything else is refused.
            known: Entries by their keys, as far as the caller has read them.

        Raises:
            ConfigurationError: there is no such team, or it is revoked.
            HostNotReadyError: the store cannot be written.
        """
        content, size = _read(file, self.challenge)
        name = display_path(Path(file.name))
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
            if decide(past, self.clock()).state is not None:  # no row without its bytes
                store_archive(self.folder, content.archive, sha256=content.sha256)
        taken = self.store.take_entry(
            new,
            decide,
            steps=(EntryState.CHECKING, EntryState.REFUSED if is_refused else EntryState.QUEUED),
            reason=reason,
            clock=self.clock,
        )
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


def _read(file: Path, challenge: Challenge) -> tuple[Submission | RefusedSubmission, int]:
    """Return what a file holds, and its size; it is read once, and what is read is judged."""
    if file.suffix.lower() not in (".zip", ".py"):
        kind = "a folder" if file.is_dir() and not file.is_symlink() else "neither .zip nor .py"
        return _refused(file, f"{display_path(Path(file.name))} is {kind}; hand in a .zip or a .py file."), 0
    try:
        data = read_submission_file(file)
    except (ConfigurationError, OSError) as error:
        text = str(error).replace(f"{display_path(file.parent)}/", "")
        return _refused(file, text), 0
    with tempfile.TemporaryDirectory(prefix="unlearn-sync-") as name:
        copy = Path(name) / file.name
        try:
            copy.write_bytes(data)
        except OSError as error:
            raise HostNotReadyError(f"{name} cannot be written: {error.strerror or error}.") from error
        content = read_hand_in(copy, challenge).content
        if isinstance(content, RefusedSubmission):
            sentence = content.reason.replace(f"{name}/", "")
            content = RefusedSubmission(name=content.name, reason=sentence, sha256=content.sha256)
        elif content.name == Path(name).name:  # of `submission.py`, whose folder would be its name
            content = Submission(
                name="submission",
                sha256=content.sha256,
                archive=content.archive,
                binary_files=content.binary_files,
            )
    return content, len(content.archive) if isinstance(content, Submission) else len(data)


def _refused(file: Path, reason: str) -> RefusedSubmission:
    return RefusedSubmission(
        name=display_path(Path(file.name)), reason=sanitize_line(reason, _REASON_CHARACTERS)
    )


def _listed(folder: Path, *, most: int | None = None) -> list[Path]:
    """Return what is in a folder and is to be taken, the oldest first.

    Raises:
        ConfigurationError: it is no folder, cannot be read, or has more than ``most`` files.
    """
    items = []
    try:
        with os.scandir(folder) as items_there:
            for number, item in enumerate(items_there):
                if most is not None and number >= most:
                    raise ConfigurationError(
                        f"The folder has more than {most} files; nothing is taken until they are fewer."
                    )
                name = item.name
                if not (name.startswith(".") or is_clutter(name) or name.lower().endswith(_UNFINISHED)):
                    items.append((item.stat(follow_symlinks=False).st_mtime, name, folder / name))
    except FileNotFoundError:
        if folder.is_dir():  # a file went while the folder was read: the next sync takes the others
            return []
        raise ConfigurationError(f"There is no folder {display_path(folder)}.") from None
    except OSError as error:
        raise ConfigurationError(
            f"{display_path(folder)} cannot be read: {error.strerror or error}."
        ) from error
    return [item for _time, _name, item in sorted(items)]


def _no_team(name: str, folder: Path, teams: Mapping[str, Team]) -> str:
    if folder.name in teams:
        revoked = teams[folder.name].revoked is not None
        return f"Team {name} was revoked." if revoked else f"{name} is no folder, or a link to one."
    if not folder.is_dir():
        return f"{name} lies in no team's folder."
    return f"There is no team {name!r}; add it with: unlearn competition team add"


def _key(phase: str, team: str, name: str, content: str) -> str:
    return hashlib.sha256(json.dumps(["sync", phase, team, name, content]).encode()).hexdigest()
