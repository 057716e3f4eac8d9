"""What Ray does to actors, generators and nodes that are killed, with runs that sleep in place of containers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.clients.runs import PlannedRun
from runner.cluster.decisions.fitness import OTHER_VERSION
from runner.cluster.executor import ClusterExecutor
from runner.cluster.handles import Node
from runner.cluster.opening import start_devices
from runner.cluster.pool import ClusterPool
from runner.engine.connect import connect_engine
from runner.image.image import Image, require_image
from runner.submission.load import Submission
from tests.runner.conftest import ChallengeFolder
from tests.support.cluster.executor import cluster_executor
from tests.support.cluster.fake_worker import OtherVersionWorker, SleepingWorker
from tests.support.cluster.ray_cluster import RayCluster, pool_of, ray_cluster
from tests.support.fake_executor import MemorySink

pytestmark = [pytest.mark.cluster, pytest.mark.container]
PLANNED = [PlannedRun(index=index, seed=index) for index in range(24)]
SLOW = Submission(name="slow", sha256="b" * 64, archive=b"0.3")


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    with ray_cluster(3) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def image() -> Image:
    return require_image(connect_engine())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Challenge:
    folder = ChallengeFolder(tmp_path_factory.mktemp("cluster") / "tiny")
    return load_challenge(folder.describe(Limits()))


@pytest.fixture(scope="module")
def reported() -> list[str]:
    return []


@pytest.fixture(scope="module")
def opened(cluster: RayCluster, tiny: Challenge, image: Image, reported: list[str]) -> Iterator[ClusterPool]:
    with pool_of(
        cluster,
        tiny,
        image,
        worker=SleepingWorker,
        devices="cpu:2",
        lease_seconds=20.0,
        report=reported.append,
    ) as pool:
        yield pool


@pytest.fixture
def pool(opened: ClusterPool) -> ClusterPool:
    """Return the pool once it has all of its devices back, as between two evaluations."""
    wait_until(lambda: len(complete(opened)) == 3, opened)
    return opened


@pytest.fixture
def executor(pool: ClusterPool, tiny: Challenge, image: Image) -> ClusterExecutor:
    return cluster_executor(pool, tiny, MemorySink(), submission=SLOW, image=image)


def complete(pool: ClusterPool) -> list[Node]:
    """Return the nodes that have both of their devices; Ray lists a dead one for some seconds more."""
    return [node for node in pool.overview() if len(node.devices) == 2]


def never() -> bool:
    return False


def execute(executor: ClusterExecutor, act: Callable[[], Any], *, after: int) -> list[int]:
    """Execute all runs, acting once so many have come; return their indices."""
    ended: list[int] = []
    with executor:
        for run in executor.execute(PLANNED, enough=never):
            assert run.outputs is not None
            ended.append(run.ended.index)
            if len(ended) == after:
                act()
    return ended


def test_runs_are_spread_over_nodes(executor: ClusterExecutor, pool: ClusterPool) -> None:
    """Each comes once, with its outputs, from devices of three nodes."""
    assert sorted(execute(executor, lambda: None, after=1)) == list(range(24))
    assert pool.nodes() == 3


def test_a_device_that_is_killed_loses_nothing(
    executor: ClusterExecutor, pool: ClusterPool, capsys: pytest.CaptureFixture[str]
) -> None:
    """Others execute its runs; its node has it back soon, and its neighbour is not disturbed.

    Ray prints nothing of it where results are printed.
    """
    node = complete(pool)[0]
    lost, other = node.devices

    def kill() -> None:
        os.kill(lost.mark.pid, signal.SIGKILL)

    assert sorted(execute(executor, kill, after=4)) == list(range(24))
    wait_until(lambda: lost not in node.devices and len(complete(pool)) == 3, pool)
    assert other in node.devices
    assert not other.is_lost
    assert {device.name for device in node.devices} == {lost.name, other.name}
    assert capsys.readouterr().out == ""


@pytest.mark.slow
def test_a_device_that_stands_still_is_ended(executor: ClusterExecutor, pool: ClusterPool) -> None:
    """Once it has not answered for the time of a lease; when it is continued, nobody listens."""
    device = complete(pool)[0].devices[0]
    process = psutil.Process(device.mark.pid)
    assert sorted(execute(executor, process.suspend, after=4)) == list(range(24))
    assert not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_closing_ends_the_shares(executor: ClusterExecutor, pool: ClusterPool) -> None:
    """And the devices can be used again at once."""
    with executor:
        runs = executor.execute(PLANNED, enough=never)
        first = next(runs).ended.index
        runs.close()
        rest = [run for run in PLANNED if run.index != first]
        assert sorted(run.ended.index for run in executor.execute(rest, enough=never)) == [
            run.index for run in rest
        ]


def test_a_second_coordinator_waits_for_the_first(
    cluster: RayCluster, pool: ClusterPool, executor: ClusterExecutor
) -> None:
    """A device has one coordinator, and is not disturbed by what another tries."""
    node = complete(pool)[0]
    of_another = Node(id=node.id, name=node.name, facts=node.facts)
    with pytest.raises(Exception, match="another command"):
        start_devices(pool._cluster, of_another)
    assert sorted(execute(executor, lambda: None, after=1)) == list(range(24))


def test_a_killed_node_loses_nothing(
    cluster: RayCluster, executor: ClusterExecutor, pool: ClusterPool
) -> None:
    """The others execute its runs; another node that joins is taken in."""
    before = {node.id for node in pool.overview()}
    node = cluster.nodes[0]
    assert node.node_id in before

    def replace_node() -> None:
        cluster.kill_node(node)
        cluster.add_node()

    assert sorted(execute(executor, replace_node, after=4)) == list(range(24))
    assert node.node_id not in {each.id for each in complete(pool)}
    wait_until(lambda: len(complete(pool)) == 3, pool)


def test_an_agent_that_another_command_has_ended_is_replaced(pool: ClusterPool) -> None:
    """Its successor knows the leases of this coordinator within some seconds."""
    import ray  # an extra

    node = complete(pool)[0]
    before = node.agent
    ray.kill(before)
    wait_until(lambda: node.agent is not None and node.agent._actor_id != before._actor_id, pool)
    deadline = time.monotonic() + 60
    while not ray.get(node.agent.has_lease.remote(pool._coordinator), timeout=60):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_node_that_is_upgraded_during_a_command_is_refused_by_name(
    pool: ClusterPool, reported: list[str]
) -> None:
    """As soon as a process starts there that has loaded other code; the others go on.

    The last test: its node stays refused.
    """
    node = complete(pool)[-1]  # it has lost no device before
    pool._cluster._workers = pool._cluster.actor_class(OtherVersionWorker)
    os.kill(node.devices[0].mark.pid, signal.SIGKILL)
    wait_until(lambda: bool(node.problem), pool)
    assert node.problem == OTHER_VERSION
    assert node.devices == []
    assert f"node {node.name} is refused: {OTHER_VERSION}" in reported
    assert pool.nodes() == 2


def wait_until(condition: Callable[[], bool], pool: ClusterPool) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, pool.problems()
        time.sleep(0.2)
