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
_TELL_SECONDS: Final = 1.0
"""Telling takes time that counts in the rate, so it is done no more often."""


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

    ``on_way`` receives what is known about once a second, and when the evaluator fails.

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
        on_way(values)

        def tell_one(rate: dict[str, Any]) -> None:
            values["one_at_a_time"] = rate
            on_way(values)

        def tell_together(rate: dict[str, Any]) -> None:
            values["side_by_side"] = {**rate, "threads": side_by_side}
            on_way(values)

        left = deadline - time.monotonic()
        _rate(program, checkpoint, tell_one, most=checkpoints, waiting=1, seconds=left / 2)
        program.send("side_by_side", checkpoints=side_by_side)
        left = deadline - time.monotonic()
        _rate(program, checkpoint, tell_together, most=checkpoints, waiting=side_by_side, seconds=left)
        program.send("stop")
    return values


def _rate(
    program: Program,
    checkpoint: bytes,
    tell: Callable[[dict[str, Any]], None],
    *,
    most: int,
    waiting: int,
    seconds: float,
) -> None:
    """Have checkpoints evaluated, and tell the rate: on the way, at the end, and if the evaluator fails."""
    sent = done = 0
    taken, told_at = 0.0, 0.0
    began = time.monotonic()

    def tell_rate() -> None:
        if done > 0:
            tell({"checkpoints": done, "seconds": taken, "checkpoints_per_second": done / taken})

    try:
        while done < most and (done == 0 or time.monotonic() - began < seconds):
            while sent < min(most, done + waiting):
                program.send("checkpoint", checkpoint, index=sent)
                sent += 1
            program.receive_kind("outputs", _CHECKPOINT_SECONDS)
            done, taken = done + 1, time.monotonic() - began
            if taken - told_at > _TELL_SECONDS:
                tell_rate()
                told_at = taken
        for _ in range(sent - done):
            program.receive_kind("outputs", _CHECKPOINT_SECONDS)
    finally:
        tell_rate()
