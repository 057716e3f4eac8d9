"""Processes of a node's device whose runs sleep: without containers, or beside one that sleeps too.

All else is the real thing: actors, leases, the cache, what is sent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from typing import Self

from runner.challenge.challenge import Challenge
from runner.clients.runs import PlannedRun
from runner.cluster.node.device import DeviceWorker
from runner.cluster.orders import Order
from runner.engine.api import Container
from runner.engine.container_spec import EVALUATION_LABEL, worker_container
from runner.execution.executor import EvaluatedRun, Executor, OutputsSink
from runner.execution.host_session import HostSession
from tests.support.fake_executor import ended_run, outputs_with


class SleepingExecutor:
    """An executor whose runs take the seconds that the submission's archive states, as text.

    A run is the original network, and its outputs have the value of its seed.
    """

    def __init__(self, challenge: Challenge, seconds: float, sink: OutputsSink) -> None:
        self._challenge, self._seconds, self._sink = challenge, seconds, sink
        self._seeds: dict[int, int] = {}
        self.made: list[int] = []
        self.is_executing = False
        self.rejected = 0

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End."""

    def execute(
        self, planned: Sequence[PlannedRun], *, enough: Callable[[], bool]
    ) -> Generator[EvaluatedRun]:
        """Yield runs in their order, each after its seconds."""
        self.is_executing = True
        for run in planned:
            ends_at = time.monotonic() + self._seconds
            if enough():
                return
            while time.monotonic() < ends_at:
                threading.Event().wait(0.05)
                enough()  # which raises where the share is aborted
            self._seeds[run.index] = run.seed
            self.made.append(run.index)
            yield EvaluatedRun(ended=ended_run(run.index, checkpoint=self._challenge.data("original")))

    def evaluate(self, index: int) -> None:
        """Evaluate at once."""
        assert self._sink.read_checkpoint(index)
        shapes = self._challenge.output_shapes
        value = self._seeds.get(index, 0) % 1000
        self._sink.publish_outputs(
            index, outputs_with(value, examples=shapes.examples, classes=shapes.classes, unseen=shapes.unseen)
        )

    def await_ready(self) -> None:
        """Be ready."""

    def finish(self) -> None:
        """Have nothing to do."""


class _BesideContainer(SleepingExecutor):
    """Runs that sleep while a container of their own is there, which ends with them."""

    def __init__(self, order: Order, host: HostSession, challenge: Challenge, sink: OutputsSink) -> None:
        super().__init__(challenge, float(order.submission.archive), sink)
        labels = {**host.labels, EVALUATION_LABEL: order.evaluation}
        spec = worker_container(
            image=host.image.tag, limits=challenge.description.limits, labels=labels, placement=host.placement
        )
        self._host, self._spec = host, replace(spec, command=("sleep", "600"))
        self._container: Container | None = None

    def __enter__(self) -> Self:
        """Start the container."""
        self._container = self._host.engine.start(self._spec)
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove it."""
        if self._container is not None:
            self._container.remove()


class ContainerWorker(DeviceWorker):
    """Executes shares whose runs sleep, each beside a container."""

    def new_executor(self, order: Order, sink: OutputsSink) -> Executor:
        """Return an executor whose runs sleep beside a container."""
        return _BesideContainer(order, self._opened(order), self.challenge(order), sink)


class SleepingWorker(DeviceWorker):
    """Executes shares without containers."""

    made: Sequence[int] = ()
    """Indices of the runs that its last executor has executed."""

    def new_executor(self, order: Order, sink: OutputsSink) -> Executor:
        """Return an executor whose runs sleep."""
        executor = SleepingExecutor(self.challenge(order), float(order.submission.archive), sink)
        self.made = executor.made
        return executor


class OtherVersionWorker(SleepingWorker):
    """A process that has loaded another version of the code, as after an upgrade of its node."""

    def version(self) -> str:
        """Return another version."""
        return "another"
