"""An executor in memory, which ends runs as a test scripts them.

`tests/conformance/test_executor.py` holds it to what the executor of real containers does.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, Self

import numpy as np

from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.clients.runs import EndedRun, PlannedRun
from runner.errors import SandboxLostError
from runner.execution.executor import EvaluatedRun, OutputsSink
from runner.verdict import Judgement, Observation, Verdict


def ended_run(
    index: int, verdict: Verdict = Verdict.OK, *, checkpoint: bytes = b"", **changes: Any
) -> EndedRun:
    """Return a run that ended after a second; ``checkpoint`` is used where the verdict is ok."""
    return EndedRun(
        **{
            "index": index,
            "judgement": Judgement(verdict=verdict, detail=""),
            "checkpoint": checkpoint if verdict is Verdict.OK else b"",
            "host_seconds": 1.0,
            "run_seconds": 1.0,
            "log": b"",
            "log_bytes_dropped": 0,
            "traceback": "",
            "observation": Observation(host_seconds=1.0, wall_limit_seconds=60.0),
            **changes,
        }
    )


def outputs_with(value: float, *, examples: int, classes: int, unseen: int) -> NetworkOutputs:
    """Return outputs with one value everywhere."""
    return NetworkOutputs(
        logits=np.full((examples, classes), value, np.float32),
        correct=np.ones((4, classes), np.int64),
        unseen_losses=np.full(unseen, value, np.float32),
    )


class FakeExecutor:
    """An executor whose runs end as scripted (`runner.execution.executor.Executor`)."""

    def __init__(
        self,
        *,
        sink: OutputsSink,
        run: Callable[[PlannedRun], EvaluatedRun],
        evaluate: Callable[[int, bytes], NetworkOutputs | Rejected],
        losses: Sequence[int] = (),
        **_context: object,
    ) -> None:
        """Prepare.

        Args:
            sink: Takes outputs.
            run: Returns how a run ends.
            evaluate: Returns the outputs of a checkpoint.
            losses: For each call of `execute` in turn, after how many runs the sandbox is lost; negative for
                never.
        """
        self._sink, self._run, self._evaluate = sink, run, evaluate
        self._losses = list(losses)
        self._queued: list[int] = []
        self.executed: list[int] = []
        self.evaluated: list[int] = []
        self.closed = 0
        self.rejected = 0
        self.is_executing = False

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Drop what is queued."""
        self._queued.clear()

    def execute(
        self, planned: Sequence[PlannedRun], *, enough: Callable[[], bool]
    ) -> Generator[EvaluatedRun]:
        """Yield runs in their order, until the script loses the sandbox."""
        lost_after = self._losses.pop(0) if self._losses else -1
        try:
            self.is_executing = True
            for position, run in enumerate(planned):
                if enough():
                    return
                if position == lost_after:
                    raise SandboxLostError("The worker container ended in mid-run.")
                self.executed.append(run.index)
                yield self._run(run)
        finally:
            self.closed += 1

    def evaluate(self, index: int) -> None:
        """Evaluate at once."""
        self._queued.append(index)
        self.finish()

    def await_ready(self) -> None:
        """Be ready."""

    def finish(self) -> None:
        """Evaluate what is queued."""
        while self._queued:
            index = self._queued.pop(0)
            self.evaluated.append(index)
            result = self._evaluate(index, self._sink.read_checkpoint(index))
            if isinstance(result, Rejected):
                self.rejected += 1
                self._sink.reject(index, result.reason)
            else:
                self._sink.publish_outputs(index, result)


class MemorySink:
    """A sink that records what it is sent."""

    def __init__(self, checkpoints: Mapping[int, bytes] | None = None) -> None:
        self.checkpoints = dict(checkpoints or {})
        self.outputs: dict[int, NetworkOutputs] = {}
        self.rejections: dict[int, str] = {}

    def read_checkpoint(self, index: int) -> bytes:
        """Return a checkpoint."""
        return self.checkpoints[index]

    def publish_outputs(self, index: int, outputs: NetworkOutputs) -> None:
        """Record outputs."""
        assert index not in self.outputs, f"outputs of run {index} came twice"
        self.outputs[index] = outputs

    def reject(self, index: int, reason: str) -> None:
        """Record a rejection."""
        self.rejections[index] = reason
