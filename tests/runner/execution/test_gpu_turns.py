"""On a GPU, a run and the evaluation of a checkpoint never use the device at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.runs import EndedRun, PlannedRun
from runner.execution.containers import Containers
from runner.execution.evaluator_queue import EvaluatorQueue
from sandbox.protocol.frames import Frame
from tests.runner.execution.test_containers import new_stream
from tests.runner.execution.test_evaluator_queue import Container, QueueHarness
from tests.support.fake_executor import ended_run

PLANNED = [PlannedRun(index=index, seed=index) for index in range(20)]


class Device:
    """A device that refuses two users at a time; the turn is what keeps them apart."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self._in_use = threading.Lock()
        self.uses: list[str] = []
        self.clashes = 0

    def use(self, by: str) -> None:
        """Use it for a moment."""
        if not self._in_use.acquire(blocking=False):
            self.clashes += 1
            return
        time.sleep(0.002)
        self.uses.append(by)
        self._in_use.release()


class Client:
    """A container's client whose runs use the device."""

    is_usable = True

    def __init__(self, device: Device, then: Callable[[int], None]) -> None:
        self._device, self._then = device, then

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        for run in planned:
            self._device.use("run")
            self._then(run.index)
            yield ended_run(run.index)


@pytest.fixture
def device() -> Device:
    return Device()


def execute(device: Device, harness: QueueHarness, turn: threading.Lock | None) -> None:
    """Execute all runs and evaluate all checkpoints, both on the device."""
    evaluate = Container()

    def on_device(frame: Frame) -> Iterable[tuple[float, bytes | None]]:
        if frame.kind == "checkpoint":
            device.use("checkpoint")
        yield from evaluate(frame)

    with new_queue(harness, on_device, turn) as queue:
        add = lambda index: harness.add_checkpoints(queue, [index])  # noqa: E731
        containers = Containers(
            start=lambda _resources: new_stream(),
            connect=lambda _stream: Client(device, add),
            concurrency=1,
            reuse=True,
            turn=turn,
        )
        with containers:
            ended = [run.index for run in containers.execute(PLANNED, may_start=queue.has_room)]
        queue.finish()
    assert sorted(ended) == [run.index for run in PLANNED]
    assert sorted(harness.sink.evaluated) == [run.index for run in PLANNED]


def new_queue(harness: QueueHarness, script: Callable[..., object], turn: object) -> EvaluatorQueue:
    queue = harness.new_queue(script)  # type: ignore[arg-type]
    queue._turn = turn  # type: ignore[assignment]  # as the executor of one machine passes it
    return queue


@pytest.fixture
def harness(tmp_path: Path, load_challenge: Callable[[Limits], Challenge]) -> QueueHarness:
    return QueueHarness(tmp_path, load_challenge(Limits()))


def test_runs_and_checkpoints_take_turns(device: Device, harness: QueueHarness) -> None:
    """Every run ends and every checkpoint is evaluated; none meets the other on the device."""
    execute(device, harness, device.turn)
    assert device.clashes == 0
    assert device.uses.count("run") == 20
    assert device.uses.count("checkpoint") == 21, "the original network comes first"


def test_without_turns_they_would_meet(device: Device, harness: QueueHarness) -> None:
    """As on the CPU, where they may."""
    execute(device, harness, None)
    assert device.clashes > 0
