"""Work the queue of a competition on several devices of this host at once.

Each device has a worker, in a thread of one command, and evaluates in a process of its own. The workers
choose their entries one after the other, so each sees in the queue what the others have at work.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.challenge.load import load_challenge
from runner.competition.competition import Competition
from runner.competition.phase import Phase
from runner.contest.budget import Budget
from runner.contest.evaluator import EntryEvaluator, OpenEvaluator
from runner.contest.host import phase_settings, require_image, require_score_version
from runner.contest.queue import challenge_sha256
from runner.contest.worker import Worker
from runner.devices.board import Board, DeviceReporter, Waiting
from runner.devices.device import Device
from runner.devices.device_process import DeviceProcess, InterruptedEvaluationError
from runner.devices.host import DevicesHost, Request
from runner.devices.threads import work_on_each
from runner.engine.placement import CPU, Placement
from runner.errors import ConfigurationError, HostNotReadyError, RunnerError
from runner.evaluation.evaluate import evaluation_id_of
from runner.execution.settings import Settings
from runner.results.summary import Summary
from runner.store.entries.records import Outcome
from runner.store.store import Store
from runner.submission.load import Submission

_POLL_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _DeviceEvaluator:
    """Evaluates on a challenge of a phase, in the process of a device."""

    process: DeviceProcess
    device: Device
    request: Request
    settings: Settings
    board: Board

    def evaluation(self, submission: Submission) -> str:
        return evaluation_id_of(submission, self.request.challenge, self.request.image, self.settings)

    def evaluate(self, submission: Submission, before_scoring: Callable[[], object]) -> Summary:
        name = self.process.device.name
        self.board.start(name, submission.name)
        try:
            summary = self.process.evaluate(
                self.request.task(submission, self.device),
                DeviceReporter(self.board, name),
                before_scoring,
            )
        except InterruptedEvaluationError:
            self.board.end(name, "interrupted", "finished runs are saved", is_failure=False)
            raise
        except Exception as error:
            self.board.end(name, "held", str(error), is_failure=True)
            raise
        is_scored = summary.outcome is Outcome.SCORED
        reason = "" if is_scored else f": {summary.reason or ''}"
        self.board.end(name, "ended", f"{summary.outcome}{reason}", is_failure=not is_scored)
        return summary


class DevicePhases:
    """Opens evaluators on devices; what they need of a phase is loaded once."""

    def __init__(self, host: DevicesHost, store: Path, competition_folder: Path, board: Board) -> None:
        """Evaluate into the store in a folder, for the competition in another."""
        self._host, self._store, self._folder, self._board = host, store, competition_folder, board
        self._requests: dict[tuple[str, str, str | None], Request] = {}
        self._lock = threading.Lock()

    def on(self, process: DeviceProcess) -> OpenEvaluator:
        """Return what opens evaluators on a device.

        Opening raises ConfigurationError where the challenge or the device cannot be used, and
        UnmetRequirementError where this host lacks what the phase requires.
        """

        @contextmanager
        def open_evaluator(phase: Phase, path: str) -> Iterator[EntryEvaluator]:
            device = device_of_phase(phase, process.device)
            request = self._request(phase, path)
            yield _DeviceEvaluator(
                process=process,
                device=device,
                request=request,
                settings=phase_settings(
                    phase, device=device.recorded, placement=Placement(runtime=phase.runtime)
                ),
                board=self._board,
            )

        return open_evaluator

    def _request(self, phase: Phase, path: str) -> Request:
        key = (phase.name, path, challenge_sha256(self._folder / path))
        with self._lock:
            if key not in self._requests:
                challenge = load_challenge(self._folder / path)
                self._host.require(challenge, runtime=phase.runtime, required_device=phase.device)
                require_image(phase, self._host.image.config)
                require_score_version(phase)
                self._requests[key] = Request(
                    store=self._store,
                    challenge=challenge,
                    image=self._host.image,
                    n=phase.runs,
                    keep_going=False,
                    keep_checkpoints=False,
                    isolation=phase.isolation,
                    runtime=phase.runtime,
                    required_device=phase.device,
                )
            return self._requests[key]


def device_of_phase(phase: Phase, device: Device) -> Device:
    """Return the device as a phase uses it: beside a GPU, its share of the cores.

    Raises:
        ConfigurationError: the phase needs a GPU, and the device is none.
    """
    if phase.device != CPU and device.requested == CPU:
        raise ConfigurationError(f"Phase {phase.name} needs a GPU: --devices all or UUID,UUID.")
    if phase.device == CPU and device.requested != CPU:
        return Device(name=device.name, requested=CPU, recorded=CPU, cores=device.cores)
    return device


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How the work on the devices ended."""

    evaluations: int
    failure: BaseException | None
    """What has to end the command; None where at least one device could be used to the end."""
    blocked: RunnerError | None
    """Why the entries of a phase were left."""


def work_on_devices(
    processes: Sequence[DeviceProcess],
    new_worker: Callable[[DeviceProcess], Worker],
    board: Board,
    *,
    budget: Budget,
    drain: bool,
    after_work: Callable[[], object] = lambda: None,
    poll_seconds: float = _POLL_SECONDS,
) -> Ended:
    """Evaluate entries on every device, until the queue is empty or the budget is used up.

    After Ctrl-C nothing begins any more; what is in progress is interrupted and queued again.

    Args:
        processes: One for each device.
        new_worker: Returns a worker for a device; all of them share a turn and the budget.
        board: Receives which devices are not used any more.
        budget: How many evaluations may begin.
        drain: End once the queue is empty, and do not wait for more.
        after_work: Called by each device where it finds nothing more to do, in its thread.
        poll_seconds: After which an empty queue is looked at again.
    """
    lock, ended = threading.Lock(), 0
    failures: list[BaseException] = []
    blocked: list[RunnerError] = []
    stopped = threading.Event()

    def work(process: DeviceProcess) -> None:
        nonlocal ended
        worker = new_worker(process)
        try:
            while True:
                number = worker.work()
                with lock:
                    ended += number
                    if worker.blocked is not None:
                        blocked.append(worker.blocked)
                after_work()
                if drain or budget.is_used_up or stopped.wait(poll_seconds):
                    return
        except InterruptedEvaluationError:
            return
        except HostNotReadyError as error:
            board.retire(process.device.name, str(error))
            failures.append(error)
        except BaseException as error:  # noqa: BLE001 - it is raised by the command once all have ended
            budget.close()
            failures.insert(0, error)

    def stop() -> None:
        budget.close()
        stopped.set()

    work_on_each(processes, work, stop=stop)
    is_over = len(failures) == len(processes) or any(
        not isinstance(error, HostNotReadyError) for error in failures
    )
    return Ended(
        evaluations=ended,
        failure=failures[0] if failures and is_over else None,
        blocked=blocked[0] if blocked else None,
    )


def waiting_in(store: Store, competition: Competition) -> Callable[[], Waiting]:
    """Return what tells how many entries of a competition are queued, and how many runs they have."""
    runs = {phase.name: phase.runs for phase in competition.phases}

    def waiting() -> Waiting:
        queued = store.queued_by_phase(competition.name)
        return Waiting(
            sum(queued.values()), sum(number * runs.get(phase, 0) for phase, number in queued.items())
        )

    return waiting
