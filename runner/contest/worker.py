"""Work the queue: start each entry, record each step, hold what failed on our side, and try it again.

A process takes the lease of a content on a challenge before it starts an entry, so several processes may work
the queue at once, and a process that was killed leaves entries whose lease is free: they are queued again.

What prevents every evaluation of a phase on a challenge, such as a missing device, leaves the others alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.competition.states import EntryState
from runner.contest.budget import Budget
from runner.contest.evaluator import EntryEvaluator, OpenEvaluator
from runner.contest.queue import next_entry
from runner.contest.recovery import AGAIN, AT_WORK, Place, entry_lease, place_of, queue_abandoned, queue_held
from runner.contest.rejudging.rescoring import Rescoring
from runner.contest.stored import stored_submission
from runner.errors import (
    BusyError,
    ConfigurationError,
    HostNotReadyError,
    RunnerError,
    SandboxError,
    StoreLostError,
    TakenOverError,
    UnmetRequirementError,
)
from runner.results.summary import Summary
from runner.sanitize import sanitize_line
from runner.store.competition.queue import QueueRow
from runner.store.competition.records import CompetitionEntry
from runner.store.database import utc_now
from runner.store.entries.records import Outcome
from runner.store.lease import evaluation_lease
from runner.store.store import Store
from runner.submission.load import Submission
from runner.tracebacks import save_traceback

_LOOK_SECONDS: Final = 300.0
"""After which processes that were killed are looked for again, and what was blocked is tried again."""
_REASON_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class _Begun:
    """An entry that is recorded as running."""

    entry: CompetitionEntry
    submission: Submission
    evaluator: EntryEvaluator
    lease: ExitStack


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
    clock: Callable[[], datetime] = utc_now
    """Returns the present moment."""
    turn: AbstractContextManager[object] = field(default_factory=nullcontext)
    """Entered while an entry is chosen: workers of one process do so one after the other."""
    budget: Budget = field(default_factory=Budget)
    """How many evaluations may still begin, for all workers of a process together."""
    others_go_on: bool = False
    """Whether other devices go on where this host fails on this one; the entry may be the cause, so that
    counts as one of its attempts."""
    blocked: RunnerError | None = None
    """Why the last call of `work` left the entries of a phase; of several reasons the first."""
    _open: tuple[str, str] | None = None
    _evaluator: EntryEvaluator | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    _busy: set[int] = field(default_factory=set)
    """Entries that another process works on."""
    _blocked: dict[Place, float] = field(default_factory=dict)
    """Where this process cannot evaluate, and since when."""
    _reported: set[str] = field(default_factory=set)
    _looked: float = 0.0
    _rescoring: Rescoring | None = None

    def work(self, most: int | None = None) -> int:
        """Evaluate entries until none is left, the competition is paused, or ``most`` were; return how many.

        Raises:
            HostNotReadyError: this host cannot run any submission; the entry is held.
        """
        self._busy.clear()
        self.blocked = None
        self._blocked = {key: since for key, since in self._blocked.items() if _since(since) < _LOOK_SECONDS}
        self._recover()
        ended = 0
        with self._stack:
            while most is None or ended < most:
                if self.store.paused_since(self.competition.name) is not None:
                    break
                begun = self._begin_next()
                if begun is None:
                    break
                if isinstance(begun, _Begun):
                    with begun.lease:
                        counts = self._evaluate(begun.entry, begun.submission, begun.evaluator)
                else:
                    counts = begun
                if not counts:
                    self.budget.give_back()
                ended += counts
            self._open = self._evaluator = None
        return ended

    def _begin_next(self) -> _Begun | bool | None:
        """Begin the entry that is to be evaluated next.

        Returns:
            None where there is none. Where it has not begun, whether it counts as evaluated all the same.
        """
        with self.turn:
            if not self.budget.take():
                return None
            try:
                if _since(self._looked) > _LOOK_SECONDS:
                    self._recover()
                entry = self._next()
                begun = None if entry is None else self._begin(entry)
            except BaseException:
                self.budget.give_back()
                raise
            if begun is None:
                self.budget.give_back()
            return begun

    def _next(self) -> CompetitionEntry | None:
        """Return the entry that is to be evaluated next: a held one once no other is left."""
        for _attempt in range(2):
            entry = next_entry(self.store, self.competition_folder, self.competition, skip=self._is_left)
            if entry is not None:
                return entry
            self._recover()
            queue_held(self.store, self.competition.name, self.clock(), self._blocked)
        return None

    def _is_left(self, row: QueueRow) -> bool:
        return row.id in self._busy or place_of(row) in self._blocked

    def _recover(self) -> None:
        """Queue the entries again whose process has ended without a word."""
        self._looked = time.monotonic()
        for entry in queue_abandoned(self.store, self.folder, self.competition.name):
            self._busy.clear()  # the same process may have had others
            self.report(f"entry {entry.id}: its process has ended, so it is queued again")

    def _begin(self, entry: CompetitionEntry) -> _Begun | bool:
        """Take the lease of an entry, and record that it runs; False where it does not begin."""
        phase = self.competition.phase(entry.phase)
        try:
            evaluator = self._evaluator_of(phase, entry)
        except (ConfigurationError, UnmetRequirementError) as error:
            self._block(entry, error)
            return False
        try:
            submission = stored_submission(self.folder, entry)
        except ConfigurationError as error:
            self._hold(entry, EntryState.QUEUED, reason=str(error), failed_attempt=True)
            return True
        name = evaluator.evaluation(submission)
        with ExitStack() as stack:
            try:
                stack.enter_context(evaluation_lease(self.store.database, self.folder, entry_lease(name)))
            except BusyError:
                self._busy.add(entry.id)
                return False
            started = self.store.move_entry(
                entry.id, EntryState.RUNNING, expected={EntryState.QUEUED}, evaluation=name
            )
            if started is None:
                return False
            return _Begun(entry, submission, evaluator, stack.pop_all())

    def _block(self, entry: CompetitionEntry, error: RunnerError) -> None:
        """Leave all entries of a phase on a challenge alone for a while."""
        self._blocked[place_of(entry)], self.blocked = time.monotonic(), self.blocked or error
        line = f"phase {entry.phase}, {entry.challenge}: not evaluated here: {sanitize_line(str(error))}"
        if line not in self._reported:
            self._reported.add(line)
            self.report(line)

    def _evaluate(self, entry: CompetitionEntry, submission: Submission, evaluator: EntryEvaluator) -> bool:
        """Evaluate an entry that is running; return False where it has not been after all."""
        begun, is_rescored = time.monotonic(), entry.is_rescored

        def scoring() -> None:
            self.store.move_entry(entry.id, EntryState.SCORING, expected={EntryState.RUNNING})

        def hold(reason: str, *, failed_attempt: bool) -> None:
            self._hold(entry, *AT_WORK, reason=reason, failed_attempt=failed_attempt, seconds=_since(begun))

        def requeue(reason: str | None) -> None:
            spent = _since(begun)
            self.store.move_entry(entry.id, *AGAIN, expected=AT_WORK, reason=reason, seconds=spent)

        try:
            summary = evaluator.evaluate(submission, scoring)
        except SandboxError as error:
            hold(str(error), failed_attempt=True)
        except ConfigurationError as error:
            hold(str(error), failed_attempt=is_rescored)
            if is_rescored:  # its own files, and no other's, cannot be scored
                return True
            self._block(entry, error)
            return False
        except (BusyError, TakenOverError):  # `unlearn run` in the same store, of the same content
            requeue(None)
            self._busy.add(entry.id)
            return False
        except StoreLostError:  # as after a kill: held, it would leave its place in the quota
            requeue("the store was lost")
            raise
        except HostNotReadyError as error:
            hold(str(error), failed_attempt=self.others_go_on or is_rescored)
            if not is_rescored:
                raise
        except Exception as error:  # noqa: BLE001 - a bug that one submission shows must not stop the others
            hold(save_traceback(error), failed_attempt=True)
        except BaseException:  # interrupted: nobody's fault
            requeue("the evaluation was interrupted")
            raise
        else:
            scoring()
            self._end(entry, summary, _since(begun))
        return True

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

    def _evaluator_of(self, phase: Phase, entry: CompetitionEntry) -> EntryEvaluator:
        """Return what evaluates an entry; what evaluates on another challenge is closed first."""
        if entry.is_rescored:
            if self._rescoring is None:
                self._rescoring = Rescoring(
                    store=self.store, folder=self.folder, competition_folder=self.competition_folder
                )
            return self._rescoring.rescorer(phase, entry)
        if self._evaluator is None or self._open != (phase.name, entry.challenge):
            self._stack.close()
            self._open = self._evaluator = None
            self._evaluator = self._stack.enter_context(self.open_evaluator(phase, entry.challenge))
            self._open = (phase.name, entry.challenge)
        return self._evaluator


def _since(begun: float) -> float:
    return time.monotonic() - begun
