"""Part (f): how many checkpoints a second the evaluator evaluates."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from benchmarks.gpu_parts.problem import Problem
from benchmarks.gpu_parts.programs import Program
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import from_evaluator
from sandbox.protocol.splits import SPLITS

_START_SECONDS: Final = 180.0
_CHECKPOINT_SECONDS: Final = 120.0


def measure_evaluator(
    problem: Problem,
    device: str,
    *,
    checkpoints: int,
    side_by_side: int,
    seconds: float,
    on_way: Callable[[dict[str, Any]], None] = lambda _values: None,
) -> dict[str, Any]:
    """Return checkpoints a second, one at a time and some at a time.

    Raises:
        ProgramEndedError: the evaluator failed.
    """
    rules, checkpoint = from_evaluator(outputs_bytes=1 << 30), problem.original()
    deadline = time.monotonic() + seconds
    values: dict[str, Any] = {
        "examples": problem.retain + problem.forget + problem.val + problem.test,
    }
    with Program("sandbox.evaluator", rules) as program:
        job = EvaluatorJob(architecture=problem.architecture, classes=problem.classes, device=device)
        program.send("job", job.to_json())
        for name in SPLITS:
            program.send("data", problem.data(name), name=name)
        load_seconds = program.receive_kind("ready", _START_SECONDS).number("seconds")
        values |= {"load_seconds": load_seconds}
        values["one_at_a_time"] = _rate(
            program, checkpoint, checkpoints, 1, (deadline - time.monotonic()) / 2
        )
        on_way(values)
        program.send("side_by_side", checkpoints=side_by_side)
        together = _rate(program, checkpoint, checkpoints, side_by_side, deadline - time.monotonic())
        program.send("stop")
    return {**values, "side_by_side": {**together, "threads": side_by_side}}


def _rate(program: Program, checkpoint: bytes, most: int, waiting: int, seconds: float) -> dict[str, Any]:
    sent = done = 0
    began = time.monotonic()
    while done < most and (done == 0 or time.monotonic() - began < seconds):
        while sent < min(most, done + waiting):
            program.send("checkpoint", checkpoint, index=sent)
            sent += 1
        program.receive_kind("outputs", _CHECKPOINT_SECONDS)
        done += 1
    taken = time.monotonic() - began
    for _ in range(sent - done):
        program.receive_kind("outputs", _CHECKPOINT_SECONDS)
    return {"checkpoints": done, "seconds": taken, "checkpoints_per_second": done / taken}
