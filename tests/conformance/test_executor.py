"""What holds of every executor: the fake one of unit tests, and the one that starts real containers.

An executor of other machines is added to `EXECUTORS` and passes the same claims.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load as load_network
from safetensors.numpy import save as save_network

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.evaluator import Rejected
from runner.clients.runs import PlannedRun
from runner.execution.executor import EvaluatedRun, Executor
from runner.execution.local import LocalExecutor
from runner.execution.settings import Settings
from runner.submission.load import load_submission
from runner.verdict import Verdict
from tests.support.fake_executor import FakeExecutor, MemorySink, ended_run, outputs_with

CRASHES_ON_ODD_SEEDS = """
import torch

def unlearning(net, retain, forget, val):
    if torch.initial_seed() % 2:
        raise RuntimeError("odd")
"""
PLANNED = [PlannedRun(index=index, seed=index) for index in range(6)]
"""Runs with odd indices crash."""

NewExecutor = Callable[..., Executor]
EXECUTORS = ["fake", pytest.param("local", marks=pytest.mark.container)]


def not_finite(checkpoint: bytes) -> bytes:
    """Return a checkpoint with which the evaluator computes outputs that are not finite."""
    tensors = load_network(checkpoint)
    largest = np.finfo(np.float32).max
    return save_network(
        {
            name: np.full_like(tensor, largest) if tensor.dtype == np.float32 else tensor
            for name, tensor in tensors.items()
        }
    )


@pytest.fixture
def problem(kind: str, request: pytest.FixtureRequest) -> Challenge:
    if kind == "local":
        real: Challenge = request.getfixturevalue("challenge")
        return real.with_limits(concurrency=2, cpus=2.0)
    tiny: Challenge = request.getfixturevalue("load_challenge")(Limits())
    return tiny


@pytest.fixture
def new_executor(
    kind: str, problem: Challenge, request: pytest.FixtureRequest, tmp_path: Path
) -> NewExecutor:
    """Return a way to create an executor of the kind for `PLANNED`."""
    original = problem.data("original")

    def run(planned: PlannedRun) -> EvaluatedRun:
        verdict = Verdict.CRASHED if planned.seed % 2 else Verdict.OK
        return EvaluatedRun(ended=ended_run(planned.index, verdict, checkpoint=original))

    def evaluate(_index: int, checkpoint: bytes) -> Any:
        if checkpoint != original:
            return Rejected(reason="its outputs are not finite")
        shapes = problem.output_shapes
        return outputs_with(1.0, examples=shapes.examples, classes=shapes.classes, unseen=shapes.unseen)

    def create(sink: MemorySink) -> Executor:
        if kind == "fake":
            return FakeExecutor(sink=sink, run=run, evaluate=evaluate)
        (tmp_path / "submission.py").write_text(CRASHES_ON_ODD_SEEDS)
        return LocalExecutor(
            context=request.getfixturevalue("evaluation_context")(tmp_path / "store"),
            submission=load_submission(tmp_path / "submission.py"),
            challenge=problem,
            settings=Settings(n=len(PLANNED), keep_going=True, keep_checkpoints=True),
            evaluation="conformance",
            sink=sink,
        )

    return create


@pytest.fixture(params=EXECUTORS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def never() -> bool:
    return False


def test_every_run_ends_once_with_its_own_verdict(new_executor: NewExecutor) -> None:
    """Whatever the others do; a run that is ok has its checkpoint."""
    with new_executor(MemorySink()) as executor:
        runs = list(executor.execute(PLANNED, enough=never))
        executor.finish()
    assert sorted(run.ended.index for run in runs) == [run.index for run in PLANNED]
    for run in runs:
        crashed = run.ended.index % 2 == 1
        assert run.ended.judgement.verdict is (Verdict.CRASHED if crashed else Verdict.OK)
        assert bool(run.ended.checkpoint) is not crashed


def test_once_enough_is_enough_no_run_is_started(new_executor: NewExecutor) -> None:
    """Runs in progress end; the rest never come."""
    ended: list[int] = []
    with new_executor(MemorySink()) as executor:
        for run in executor.execute(PLANNED, enough=lambda: bool(ended)):
            ended.append(run.ended.index)  # noqa: PERF401 - `enough` looks at it meanwhile
        executor.finish()
    assert 1 <= len(ended) <= 2 + 1


def test_nothing_is_left_when_it_is_closed_in_the_middle(new_executor: NewExecutor) -> None:
    """Closing the generator ends the runs in progress, and the executor can execute again."""
    with new_executor(MemorySink()) as executor:
        runs = executor.execute(PLANNED, enough=never)
        first = next(runs)
        runs.close()
        rest = [run for run in PLANNED if run.index != first.ended.index]
        again = [run.ended.index for run in executor.execute(rest, enough=never)]
        executor.finish()
    assert sorted([first.ended.index, *again]) == [run.index for run in PLANNED]


def test_checkpoints_are_evaluated_or_rejected(new_executor: NewExecutor, problem: Challenge) -> None:
    """Each once, into the sink; `finish` waits for all of them."""
    original = problem.data("original")
    sink = MemorySink({0: original, 1: not_finite(original), 2: original})
    with new_executor(sink) as executor:
        for index in sink.checkpoints:
            executor.evaluate(index)
        executor.finish()
        assert executor.rejected == 1
    assert sink.outputs.keys() == {0, 2}
    assert sink.rejections.keys() == {1}
    shapes = problem.output_shapes
    assert sink.outputs[0].logits.shape == (shapes.examples, shapes.classes)
    assert np.array_equal(sink.outputs[0].logits, sink.outputs[2].logits)


def test_it_is_ready_unless_something_failed(new_executor: NewExecutor) -> None:
    """Waiting for nothing returns."""
    with new_executor(MemorySink()) as executor:
        executor.await_ready()
        executor.finish()
