"""What a coordinator makes of devices that fail and are lost, with a cluster in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.runs import PlannedRun
from runner.cluster.executor import ClusterExecutor
from runner.errors import ConfigurationError, HostNotReadyError, SandboxLostError, UnmetRequirementError
from runner.execution.executor import EvaluatedRun
from tests.support.cluster.executor import cluster_executor
from tests.support.cluster.fake_pool import FakePool
from tests.support.fake_executor import MemorySink, ended_run, outputs_with

PLANNED = [PlannedRun(index=index, seed=index) for index in range(12)]


def run(planned: PlannedRun) -> EvaluatedRun:
    outputs = outputs_with(planned.index, examples=1, classes=2, unseen=1)
    return EvaluatedRun(ended=ended_run(planned.index), outputs=outputs, checkpoint_sha256="c" * 64)


@pytest.fixture
def pool() -> FakePool:
    return FakePool({"a": 2, "b": 1}, run=run, evaluate=lambda _index, _data: run(PLANNED[0]).outputs)  # type: ignore[arg-type, return-value]


@pytest.fixture
def executor(pool: FakePool, load_challenge: Callable[[Limits], Challenge]) -> ClusterExecutor:
    return cluster_executor(pool, load_challenge(Limits()), MemorySink(), patience_seconds=0.0)


def never() -> bool:
    return False


def indices(executor: ClusterExecutor) -> list[int]:
    with executor:
        return [each.ended.index for each in executor.execute(PLANNED, enough=never)]


def test_all_devices_share_the_runs(executor: ClusterExecutor, pool: FakePool) -> None:
    """Each run is executed once, and the challenge provided before."""
    assert sorted(indices(executor)) == list(range(12))
    assert sorted(pool.executed) == list(range(12))
    assert len(pool.shares) == 3
    assert len(pool.provided) == 1
    assert executor.is_executing


def test_each_run_says_which_machine_executed_it(executor: ClusterExecutor, pool: FakePool) -> None:
    """By the name under which the coordinator knows it, whatever the machine says of itself."""
    pool.run = lambda planned: replace(run(planned), node="another", device_class="cuda:another")
    with executor:
        runs = list(executor.execute(PLANNED, enough=never))
    assert {(each.node, each.device_class) for each in runs} == {("machine a", "cpu"), ("machine b", "cpu")}


def test_runs_of_lost_devices_are_executed_by_others(executor: ClusterExecutor, pool: FakePool) -> None:
    """What was delivered stays, and is not executed again."""
    pool.failing["a 0"] = [(2, None)]
    pool.failing["a 1"] = [(0, None)]
    assert sorted(indices(executor)) == list(range(12))
    assert sorted(pool.executed) == list(range(12))


def test_a_device_is_tried_again_after_a_fault_of_its_sandbox(
    executor: ClusterExecutor, pool: FakePool
) -> None:
    """It is not the device's last word."""
    pool.failing["a 0"] = pool.failing["b 0"] = [(1, SandboxLostError("The container is gone."))]
    assert sorted(indices(executor)) == list(range(12))


def test_an_evaluation_that_fails_everywhere_is_held(executor: ClusterExecutor, pool: FakePool) -> None:
    """Its last error is raised, and every device is given back."""
    for name in ("a 0", "a 1", "b 0"):
        pool.failing[name] = [(0, SandboxLostError("The container is gone."))] * 5
    with pytest.raises(SandboxLostError, match="The container is gone"):
        indices(executor)
    assert pool.executed == []


def test_a_node_that_cannot_run_anything_is_left_out(executor: ClusterExecutor, pool: FakePool) -> None:
    """The others do its work."""
    pool.failing["b 0"] = [(1, HostNotReadyError("The disk is full."))]
    assert sorted(indices(executor)) == list(range(12))
    assert pool.nodes() == 1


@pytest.mark.parametrize("error", [ConfigurationError("The network cannot be used.")])
def test_what_is_wrong_everywhere_is_not_tried_again(
    executor: ClusterExecutor, pool: FakePool, error: ConfigurationError
) -> None:
    """The first device that says so ends the evaluation."""
    pool.failing["a 0"] = [(0, error)]
    with pytest.raises(ConfigurationError, match="network"):
        indices(executor)


def test_a_requirement_that_one_node_does_not_meet_is_that_node_s(
    executor: ClusterExecutor, pool: FakePool
) -> None:
    """As any other thing that a host lacks."""
    pool.failing["a 0"] = [(0, UnmetRequirementError("There is no such runtime."))]
    assert sorted(indices(executor)) == list(range(12))


def test_without_any_device_the_evaluation_ends(executor: ClusterExecutor, pool: FakePool) -> None:
    """Once patience is over; the sentence says why the nodes are not used."""
    for name in ("a 0", "a 1", "b 0"):
        pool.failing[name] = [(1, None)]
    ended: list[int] = []
    with executor, pytest.raises(HostNotReadyError, match="its image is another one"):
        ended.extend(each.ended.index for each in executor.execute(PLANNED, enough=never))
    assert len(ended) == 3


def test_nothing_is_taken_before_it_is_wanted(executor: ClusterExecutor, pool: FakePool) -> None:
    """A slow coordinator holds its devices up: a message more than the run that it has."""
    with executor:
        runs = executor.execute(PLANNED, enough=never)
        next(runs)
        assert sum(share.taken for share in pool.shares) <= len(pool.shares) + 1
        runs.close()
    assert all(share.aborted for share in pool.shares)


def test_checkpoints_that_were_left_are_evaluated(
    pool: FakePool, load_challenge: Callable[[Limits], Challenge]
) -> None:
    """By any device, and again where it is lost."""
    sink = MemorySink(dict.fromkeys(range(20), b"checkpoint"))
    pool.failing["a 0"] = [(0, None)]
    with cluster_executor(pool, load_challenge(Limits()), sink) as executor:
        for index in range(20):
            executor.evaluate(index)
        executor.finish()
    assert sink.outputs.keys() == set(range(20))
