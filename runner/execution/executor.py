"""The protocol of executors: planned runs in, evaluated runs out, wherever they are executed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import EndedRun, PlannedRun


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRun:
    """A run that has ended, with its outputs where the executor has them already."""

    ended: EndedRun
    outputs: NetworkOutputs | Rejected | None = None
    """None without a checkpoint, or where it is still to be evaluated (`Executor.evaluate`)."""
    checkpoint_sha256: str = ""
    """Of a checkpoint that was evaluated where it was made, and of which nothing else is left
    (`runner.parsers.checkpoint.content_sha256`); empty where `ended` has it."""
    node: str = ""
    """Name of the machine that executed it."""
    device_class: str = ""
    """Class of the device there (`runner.devices.device.Device.recorded`)."""


class OutputsSink(Protocol):
    """Source of checkpoints for an executor, and destination of their outputs. Called from any thread."""

    def read_checkpoint(self, index: int) -> bytes:
        """Return the published checkpoint of a run."""

    def publish_outputs(self, index: int, outputs: NetworkOutputs) -> None:
        """Publish the outputs of a run."""

    def reject(self, index: int, reason: str) -> None:
        """Publish that the network of a run cannot be used, which is the submission's fault."""


class Executor(Protocol):
    """Executes the runs of one evaluation and evaluates their checkpoints.

    Use as a context manager: leaving ends and removes everything that is still in progress.
    """

    def __enter__(self) -> Self:
        """Start."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """End everything in progress; unfinished runs and checkpoints are left for another command."""

    def execute(
        self, planned: Sequence[PlannedRun], *, enough: Callable[[], bool]
    ) -> Generator[EvaluatedRun]:
        """Execute runs and yield each as it ends, in any order; runs that never ended are left out.

        Closing the generator ends the runs in progress.

        Once ``enough`` returns True, runs in progress are finished and no other is started.

        Raises:
            SandboxError: a container failed, through no fault of the submission.
            RunnerError: an evaluation of a checkpoint failed, through no fault of the submission.
        """

    @property
    def is_executing(self) -> bool:
        """Return whether everything has started, so that a first run is in progress or has ended."""

    def evaluate(self, index: int) -> None:
        """Evaluate a published checkpoint in the background, and deliver the result to the sink."""

    @property
    def rejected(self) -> int:
        """Return how many checkpoints were rejected."""

    def await_ready(self) -> None:
        """Wait until runs can be executed again after a failure.

        Raises:
            HostNotReadyError: they cannot.
        """

    def finish(self) -> None:
        """Wait until every checkpoint is evaluated.

        Raises:
            RunnerError: evaluating failed; the other checkpoints stay on disk.
        """
