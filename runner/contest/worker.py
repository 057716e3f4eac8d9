"""Work the queue: start each entry, record each step, hold what failed on our side, and try it again.

A process takes the lease of a content on a challenge before it starts an entry, so several processes may work
the queue at once, and a process that was killed leaves entries whose lease is free: they are queued again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final, Protocol

from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.queue import queued_entries
from runner.errors import ConfigurationError, HostNotReadyError, SandboxError
from runner.results.summary import Summary
from runner.sanitize import sanitize_line
from runner.store.competition.records import CompetitionEntry
from runner.store.entries.records import Outcome
from runner.store.lease import evaluation_lease
from runner.store.paths import archive_path
from runner.store.store import Store
from runner.submission.load import Submission, load_submission
from runner.tracebacks import save_traceback

MAX_ATTEMPTS: Final = 3
"""How often an entry is attempted whose failures are ours; then an organizer decides."""
_REASON_CHARACTERS: Final = 1000
_AT_WORK: Final = (EntryState.RUNNING, EntryState.SCORING)


class EntryEvaluator(Protocol):
    """Evaluates submissions on a challenge of a phase."""

    def evaluation(self, submission: Submission) -> str:
        """Return the name of a submission's evaluation."""

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        """Evaluate a submission.

        Raises:
            SandboxError: the sandbox failed again and again.
            HostNotReadyError: this host cannot run any submission.
        """


OpenEvaluator = Callable[[Phase, str], AbstractContextManager[EntryEvaluator]]
"""Opens what evaluates on a challenge of a phase, named by its path."""


@dataclass(slots=True, kw_only=True)
class Worker:
    """Works the queue of a competition."""

    store: Store
    folder: Path
    """Of the store."""
    competition_folder: Path
    competition: Competition
    open_evaluator: OpenEvaluator
    report: Callable[[str], None]
    """Receives a line for each entry that has ended or is held."""
    _open: tuple[str, str] | None = None
    _evaluator: EntryEvaluator | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _busy: set[int] = field(default_factory=set)
    """Entries that another process works on."""

    def work(self, most: int | None = None) -> int:
        """Evaluate entries until none is left, the competition is paused, or ``most`` were; return how many.

        Raises:
            HostNotReadyError: this host cannot run any submission; the entry is held.
        """
        self._busy.clear()
        self._recover()
        ended = 0
        with self._stack:
            while most is None or ended < most:
                if self.store.paused_since(self.competition.name) is not None:
                    break
                entry = self._next()
                if entry is None:
                    break
                ended += self._work_on(entry)
            self._open = self._evaluator = None
        return ended

    def _next(self) -> CompetitionEntry | None:
        """Return the entry that is to be evaluated next: a held one once no other is left."""
        for _attempt in range(2):
            for queued in queued_entries(self.store, self.competition_folder, self.competition):
                if queued.entry.id not in self._busy:
                    return queued.entry
            self._queue_held()
        return None

    def _queue_held(self) -> None:
        name = self.competition.name
        for entry in self.store.competition_entries(name, states=[EntryState.HELD], with_pending=True):
            if entry.attempts < MAX_ATTEMPTS:
                self.store.move_entry(
                    entry.id, EntryState.QUEUED, expected={EntryState.HELD}, reason=entry.reason
                )

    def _recover(self) -> None:
        """Queue the entries again whose process has ended without a word."""
        for entry in self.store.competition_entries(
            self.competition.name, states=_AT_WORK, with_pending=True
        ):
            try:
                with evaluation_lease(self.store.database, self.folder, _lease(entry.evaluation or "")):
                    moved = self.store.move_entry(
                        entry.id,
                        EntryState.HELD,
                        EntryState.QUEUED,
                        expected=_AT_WORK,
                        reason="the process that evaluated it has ended",
                    )
            except HostNotReadyError:  # somebody works on it
                continue
            if moved is not None:
                self.report(f"entry {entry.id}: its process has ended, so it is queued again")

    def _work_on(self, entry: CompetitionEntry) -> bool:
        """Evaluate an entry; return False where another process has it."""
        phase = self.competition.phase(entry.phase)
        evaluator = self._evaluator_of(phase, entry.challenge)
        try:
            submission = self._submission(entry)
        except ConfigurationError as error:
            self._hold(entry, EntryState.QUEUED, reason=str(error), failed_attempt=True)
            return True
        name = evaluator.evaluation(submission)
        with ExitStack() as stack:
            try:
                stack.enter_context(evaluation_lease(self.store.database, self.folder, _lease(name)))
            except HostNotReadyError:
                self._busy.add(entry.id)
                return False
            started = self.store.move_entry(
                entry.id, EntryState.RUNNING, expected={EntryState.QUEUED}, evaluation=name
            )
            if started is None:
                return False
            self._evaluate(entry, submission, evaluator)
        return True

    def _evaluate(self, entry: CompetitionEntry, submission: Submission, evaluator: EntryEvaluator) -> None:
        begun = time.monotonic()

        def scoring() -> None:
            self.store.move_entry(entry.id, EntryState.SCORING, expected={EntryState.RUNNING})

        def hold(reason: str, *, failed_attempt: bool) -> None:
            self._hold(entry, *_AT_WORK, reason=reason, failed_attempt=failed_attempt, seconds=_since(begun))

        try:
            summary = evaluator.evaluate(submission, scoring)
        except SandboxError as error:
            hold(str(error), failed_attempt=True)
        except HostNotReadyError as error:
            hold(str(error), failed_attempt=False)
            raise
        except Exception as error:  # noqa: BLE001 - a bug that one submission shows must not stop the others
            hold(save_traceback(error), failed_attempt=True)
        except BaseException:  # interrupted: nobody's fault
            self.store.move_entry(
                entry.id,
                EntryState.HELD,
                EntryState.QUEUED,
                expected=_AT_WORK,
                reason="the evaluation was interrupted",
                seconds=_since(begun),
            )
            raise
        else:
            scoring()
            self._end(entry, summary, _since(begun))

    def _end(self, entry: CompetitionEntry, summary: Summary, seconds: float) -> None:
        state = EntryState.SCORED if summary.outcome is Outcome.SCORED else EntryState.FAILED
        reason = (
            None if state is EntryState.SCORED else sanitize_line(summary.reason or "", _REASON_CHARACTERS)
        )
        moved = self.store.move_entry(
            entry.id, state, expected={EntryState.SCORING}, reason=reason, seconds=seconds
        )
        if moved is None:
            now = self.store.competition_entry(entry.competition, entry.id)
            self.report(f"entry {entry.id} of {entry.team}: {now.state} while it ran")
        else:
            self.report(f"entry {entry.id} of {entry.team}: {state}")

    def _hold(
        self,
        entry: CompetitionEntry,
        *expected: EntryState,
        reason: str,
        failed_attempt: bool,
        seconds: float = 0.0,
    ) -> None:
        reason = sanitize_line(reason, _REASON_CHARACTERS)
        self.store.move_entry(
            entry.id,
            EntryState.HELD,
            expected=expected,
            reason=reason,
            failed_attempt=failed_attempt,
            seconds=seconds,
        )
        self.report(f"entry {entry.id} of {entry.team}: held: {reason}")

    def _evaluator_of(self, phase: Phase, challenge: str) -> EntryEvaluator:
        """Return what evaluates on a challenge; that of another one is closed first."""
        if self._evaluator is None or self._open != (phase.name, challenge):
            self._stack.close()
            self._open = self._evaluator = None
            self._evaluator = self._stack.enter_context(self.open_evaluator(phase, challenge))
            self._open = (phase.name, challenge)
        return self._evaluator

    def _submission(self, entry: CompetitionEntry) -> Submission:
        """Return the submission of an entry, from the store's archive.

        Raises:
            ConfigurationError: the archive is missing or was changed.
        """
        sha256 = entry.archive_sha256 or ""
        submission = load_submission(archive_path(self.folder, sha256))
        if submission.sha256 != sha256:
            raise ConfigurationError(f"The stored archive {sha256[:12]} was changed; restore it.")
        return replace(submission, name=PurePath(entry.file_name).stem or "unnamed")


def _lease(evaluation: str) -> str:
    """Return the name of the lease on an entry: not that of its evaluation, which is taken besides."""
    return f"entry-{evaluation}"


def _since(begun: float) -> float:
    return time.monotonic() - begun
