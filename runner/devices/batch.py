"""Hand the entries of a command to its devices: in their order, the next one to the device that is free.

Entries of equal content are one evaluation, and so follow each other on one device. What befalls one of them
is recorded as for a single device (`runner.evaluation.batch`). A device on which this host cannot work is
used no more, and its entry goes to another. An entry with which two devices fail so is held: it may be why.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

from runner.devices.board import Board
from runner.devices.device_process import InterruptedEvaluationError
from runner.devices.protocol import UnforeseenError
from runner.devices.threads import Interruptible, work_on_each
from runner.errors import BusyError, HostNotReadyError, RunnerError, SandboxLostError, TakenOverError
from runner.evaluation.batch import BatchResult, EntryBatch
from runner.evaluation.entries import HandIn
from runner.results.entry_result import EntryResult
from runner.results.summary import Summary
from runner.store.entries.records import Entry, Outcome
from runner.store.store import Store
from runner.submission.load import Submission

_MAX_DEVICES_LOST: Final = 2
"""By one entry, before it is held."""
_WAIT_SECONDS: Final = 0.2


class EvaluatingDevice(Interruptible, Protocol):
    """A device that evaluates submissions for a command."""

    @property
    def name(self) -> str:
        """Return its name, as the board has it."""

    def evaluate(self, submission: Submission) -> Summary:
        """Evaluate a submission; see `runner.devices.device_process.DeviceProcess.evaluate`."""


@dataclass(slots=True)
class _Job:
    """Entries of one evaluation, in their order."""

    entries: deque[tuple[HandIn, Entry]]
    devices_lost: int = 0


class DeviceBatch:
    """Evaluates the entries of one command on several devices."""

    def __init__(
        self,
        store: Store,
        report: Callable[[str], None],
        *,
        show_ended: Callable[[EntryResult], None] = lambda _result: None,
    ) -> None:
        """Prepare.

        Args:
            store: Where the entries are recorded.
            report: Shows the sentence that says why an entry is held or left.
            show_ended: Receives each result as soon as it is there, one at a time.
        """
        self._report = report
        self._devices: list[EvaluatingDevice] = []
        self._usable: list[EvaluatingDevice] = []
        self._batch = EntryBatch(store, report, show_ended=self._note_ended)
        self._show_ended = show_ended
        self._jobs: deque[_Job] = deque()
        self._lock = threading.Lock()
        self._stopped = False
        self._at_work = 0
        self._failures: list[BaseException] = []
        """Errors that end the command once everything in progress has ended."""
        self._last_result = threading.local()

    def waiting(self) -> int:
        """Return how many evaluations have not begun."""
        return len(self._jobs)

    def evaluate(
        self,
        devices: Sequence[EvaluatingDevice],
        hand_ins: Sequence[HandIn],
        entries: Sequence[Entry],
        board: Board,
    ) -> BatchResult:
        """Evaluate what was handed in and record the outcomes; see `failure` too.

        After Ctrl-C nothing begins any more; what is in progress is interrupted, and its finished runs saved.

        Args:
            devices: At least one.
            hand_ins: What was typed.
            entries: As recorded, one for each.
            board: Receives what goes on.
        """
        self._devices, self._usable = list(devices), list(devices)
        jobs: dict[str, _Job] = {}
        for hand_in, entry in zip(hand_ins, entries, strict=True):
            if entry.evaluation is None:
                self._batch.end(hand_in, entry, _no_evaluation)
            else:
                jobs.setdefault(entry.evaluation, _Job(deque())).entries.append((hand_in, entry))
        self._jobs.extend(jobs.values())
        work_on_each(self._devices, partial(self._work, board=board), stop=self._stop)
        return self._batch.result(entries)

    @property
    def failure(self) -> BaseException | None:
        """Return the first error that has to end the command, once results are shown.

        HostNotReadyError where no device could be used any more or another process works on an entry;
        UnforeseenError where an evaluation failed so.
        """
        return self._failures[0] if self._failures else None

    def _stop(self) -> None:
        self._stopped = True

    def _work(self, device: EvaluatingDevice, board: Board) -> None:
        """Evaluate on a device until no entry is left, or the device cannot be used."""
        try:
            while (job := self._take()) is not None:
                try:
                    self._finish(job, device, board)
                finally:
                    with self._lock:
                        self._at_work -= 1
        except InterruptedEvaluationError:
            pass
        except HostNotReadyError:
            pass  # noted
        except BaseException as error:  # noqa: BLE001 - it is raised by `evaluate`
            self._stopped = True
            self._failures.insert(0, error)

    def _take(self) -> _Job | None:
        """Return the next job; None once there is none, and none in progress can come back."""
        while True:
            with self._lock:
                if self._stopped:
                    return None
                if self._jobs:
                    self._at_work += 1
                    return self._jobs.popleft()
                if not self._at_work:
                    return None
            threading.Event().wait(_WAIT_SECONDS)

    def _finish(self, job: _Job, device: EvaluatingDevice, board: Board) -> None:
        while job.entries:
            hand_in, entry = job.entries[0]
            board.start(device.name, entry.name)
            self._last_result.value = None
            try:
                self._batch.end(hand_in, entry, device.evaluate)
            except (BusyError, TakenOverError) as error:
                board.end(device.name, "held", str(error), is_failure=True)
                self._failures.append(error)
                self._report(f"{entry.name}: {error}")
                return
            except HostNotReadyError as error:
                self._retire(job, device, board, error)
                raise
            except UnforeseenError as error:
                self._failures.append(error)
                self._batch.hold(entry, SandboxLostError(str(error)))
            except InterruptedEvaluationError:
                board.end(device.name, "interrupted", "finished runs are saved", is_failure=False)
                raise
            except RunnerError as error:  # wrong usage, such as a damaged challenge: of all entries alike
                board.end(device.name, "held", str(error), is_failure=True)
                raise
            job.entries.popleft()
            self._note_end(device, board)

    def _retire(self, job: _Job, device: EvaluatingDevice, board: Board, error: HostNotReadyError) -> None:
        """Use a device no more; another one continues its entries, unless they may be the cause."""
        job.devices_lost += 1
        board.end(device.name, "held", str(error), is_failure=True)
        board.retire(device.name, str(error))
        with self._lock:
            self._usable.remove(device)
            if not self._usable:
                self._failures.append(error)
                self._stopped = True
                return
            if job.devices_lost < _MAX_DEVICES_LOST:
                self._jobs.appendleft(job)
                return
        for _hand_in, entry in job.entries:
            self._batch.hold(entry, SandboxLostError(f"Two devices failed with it: {error}"))

    def _note_ended(self, result: EntryResult) -> None:
        self._last_result.value = result
        self._show_ended(result)

    def _note_end(self, device: EvaluatingDevice, board: Board) -> None:
        result: EntryResult | None = getattr(self._last_result, "value", None)
        if result is None:
            return
        is_scored = result.outcome is Outcome.SCORED
        event = "held" if result.outcome is Outcome.HELD else "ended"
        detail = str(result.outcome) if is_scored else f"{result.outcome}: {result.summary.reason or ''}"
        board.end(device.name, event, detail, is_failure=not is_scored)


def _no_evaluation(_submission: Submission) -> Summary:
    raise AssertionError("what is refused is not evaluated")
