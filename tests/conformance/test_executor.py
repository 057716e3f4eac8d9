"""What holds of every executor: the fake one of unit tests, that of one machine, and that of a cluster.

The cluster's is held to it with a cluster in memory and with two nodes of Ray; what is added to `EXECUTORS`
passes the same claims.
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
from tests.support.cluster.executor import cluster_executor
from tests.support.cluster.fake_pool import FakePool
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
EXECUTORS = [
    "fake",
    pytest.param("local", marks=pytest.mark.container),
    "cluster in memory",
    pytest.param("cluster", marks=[pytest.mark.container, pytest.mark.cluster]),
]


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
    if kind in {"local", "cluster"}:
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
        ended = ended_run(planned.index, verdict, checkpoint=original)
        return EvaluatedRun(ended=ended, node="here", device_class="cpu")

    def run_at_node(planned: PlannedRun) -> EvaluatedRun:
        ended = run(planned).ended
        return EvaluatedRun(
            ended=ended, outputs=evaluate(planned.index, original) if ended.checkpoint else None
        )

    def evaluate(_index: int, checkpoint: bytes) -> Any:
        if checkpoint != original:
            return Rejected(reason="its outputs are not finite")
        shapes = problem.output_shapes
        return outputs_with(1.0, examples=shapes.examples, classes=shapes.classes, unseen=shapes.unseen)

    def create(sink: MemorySink) -> Executor:
        if kind == "fake":
            return FakeExecutor(sink=sink, run=run, evaluate=evaluate)
        if kind == "cluster in memory":
            pool = FakePool({"a": 2, "b": 1}, run=run_at_node, evaluate=evaluate)
            return cluster_executor(pool, problem, sink)
        (tmp_path / "submission.py").write_text(CRASHES_ON_ODD_SEEDS)
        if kind == "cluster":
            pool = request.getfixturevalue("cluster_pool")
            submission = load_submission(tmp_path / "submission.py")
            image = request.getfixturevalue("built_image")
            return cluster_executor(pool, problem, sink, submission=submission, image=image)
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


def test_once_enough_is_enough_no_run_is_started(new_executor: NewExecutor, kind: str) -> None:
    """Runs in progress end; the rest never come."""
    ended: list[int] = []
    with new_executor(MemorySink()) as executor:
        for run in executor.execute(PLANNED, enough=lambda: bool(ended)):
            ended.append(run.ended.index)  # noqa: PERF401 - `enough` looks at it meanwhile
        executor.finish()
    assert 1 <= len(ended) <= 2 + 1 or kind.startswith("cluster")  # whose nodes go on until they are told
    assert len(set(ended)) == len(ended)


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


def test_outputs_come_with_the_run_or_are_asked_for(new_executor: NewExecutor) -> None:
    """A run that is ok has either its checkpoint or, with its outputs, at least its checkpoint's hash."""
    with new_executor(MemorySink()) as executor:
        for run in executor.execute(PLANNED, enough=never):
            if run.ended.judgement.verdict is not Verdict.OK:
                assert run.outputs is None
            elif run.outputs is None:
                assert run.ended.checkpoint
            else:
                assert run.ended.checkpoint or run.checkpoint_sha256
        executor.finish()


def test_runs_say_where_they_were_executed(new_executor: NewExecutor) -> None:
    """On which machine, and on which class of devices."""
    with new_executor(MemorySink()) as executor:
        for run in executor.execute(PLANNED[:2], enough=never):
            assert run.node
            assert run.device_class == "cpu"
        executor.finish()


def test_it_is_ready_unless_something_failed(new_executor: NewExecutor) -> None:
    """Waiting for nothing returns."""
    with new_executor(MemorySink()) as executor:
        executor.await_ready()
        executor.finish()
