"""Check what the web service has received: open each archive, and queue or refuse its entry.

::

    FILES/uploads/NAME ── inspected ──> submissions/SHA256.zip ──> checking ──> queued
                              └───────────────────────────────────────────────> refused

The bytes of a queued entry are stored before its state says so, and its upload is removed after that: a kill
at any moment leaves an entry that is checked again, or an upload that nobody needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.load import load_challenge
from runner.competition.states import EntryState
from runner.contest.inbox import cause
from runner.contest.inspection import NotTakenError, inspected
from runner.contest.opened import OpenContest
from runner.errors import BusyError, ConfigurationError, HostNotReadyError
from runner.files import UnexpectedFileError, read_stored_file
from runner.sanitize import sanitize_line
from runner.store.competition.records import CompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.paths import store_archive, uploads_folder
from runner.submission.limits import MAX_SUBMISSION_BYTES
from runner.submission.load import RefusedSubmission

_LEASE: Final = "checking-entries"
_REASON_CHARACTERS: Final = 1000
_TO_CHECK: Final = (EntryState.RECEIVED, EntryState.CHECKING)


def lease_of(competition: str) -> str:
    """Return the lease that the process holds which checks the entries of a competition."""
    return f"{_LEASE}-{hashlib.sha256(competition.encode()).hexdigest()[:12]}"


@dataclass(slots=True, kw_only=True)
class Checker:
    """Checks received entries; one process at a time does."""

    contest: OpenContest
    report: Callable[[str], None]
    """Receives a line for what cannot be checked, once."""
    _challenges: dict[str, Challenge] = field(default_factory=dict)
    _reported: set[str] = field(default_factory=set)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def check(self) -> int:
        """Check all that were received; return how many were.

        Raises:
            HostNotReadyError: the store cannot be read or written.
        """
        contest = self.contest
        if not self._waiting():
            return 0
        try:
            with (
                self._turn,
                evaluation_lease(contest.store.database, contest.store_folder, lease_of(contest.name)),
            ):
                # Under the lease, one that is being checked was left by a process that was killed.
                return sum(self._check(entry) for entry in self._waiting())
        except BusyError:
            return 0

    def _waiting(self) -> list[CompetitionEntry]:
        store, name = self.contest.store, self.contest.name
        return store.competition_entries(name, states=_TO_CHECK, with_pending=True)

    def _check(self, entry: CompetitionEntry) -> bool:
        """Check an entry; return False where it has to wait."""
        store, folder = self.contest.store, self.contest.store_folder
        if entry.upload is None:
            return False  # of another way in, which ends its own checks
        if entry.state is EntryState.RECEIVED:
            moved = store.move_entry(entry.id, EntryState.CHECKING, expected={EntryState.RECEIVED})
            if moved is None:
                return False
        try:
            data = read_stored_file((uploads_folder(folder) / entry.upload), max_bytes=MAX_SUBMISSION_BYTES)
            content = inspected(PurePath(entry.file_name).name, data, self._challenge(entry.challenge))
        except FileNotFoundError:
            return self._hold(entry, "its file is missing; restore uploads/ from a backup")
        except UnexpectedFileError as error:
            return self._hold(entry, f"its file {error.problem}")
        except (ConfigurationError, HostNotReadyError, NotTakenError, OSError) as error:  # the others go on
            text = cause(error) if isinstance(error, OSError) else str(error)
            self._say(f"entry {entry.id} of {entry.team} waits to be checked: {sanitize_line(text)}")
            return False
        if isinstance(content, RefusedSubmission):
            reason = sanitize_line(content.reason, _REASON_CHARACTERS)
            moved = store.end_check(
                entry.id, EntryState.REFUSED, archive_sha256=content.sha256, reason=reason
            )
        else:
            store_archive(folder, content.archive, sha256=content.sha256)
            moved = store.end_check(
                entry.id,
                EntryState.QUEUED,
                archive_sha256=content.sha256,
                archive_bytes=len(content.archive),
            )
        with contextlib.suppress(OSError):  # the service removes it within a day, where this user may not
            (uploads_folder(folder) / entry.upload).unlink(missing_ok=True)
        return moved is not None

    def _hold(self, entry: CompetitionEntry, reason: str) -> bool:
        self.contest.store.move_entry(
            entry.id, EntryState.HELD, expected={EntryState.CHECKING}, reason=reason, failed_attempt=True
        )
        self._say(f"entry {entry.id} of {entry.team}: held: {reason}")
        return True

    def _challenge(self, path: str) -> Challenge:
        """Return a challenge, loaded once.

        Raises:
            ConfigurationError: it cannot be used.
        """
        if path not in self._challenges:
            self._challenges[path] = load_challenge(self.contest.folder / path)
        return self._challenges[path]

    def _say(self, line: str) -> None:
        if line not in self._reported:
            self._reported.add(line)
            self.report(line)
