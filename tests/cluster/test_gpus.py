"""GPUs that a cluster's nodes have by what their driver lists: Ray hands them out, and none twice.

There is no GPU here: `nvidia-smi` is a script on the nodes, Ray is told their number, and runs sleep.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import Requirements
from runner.cluster.pool import ClusterPool
from runner.cluster.ray_library import joined_cluster
from runner.cluster.survey import gpu_classes_of_nodes
from runner.engine.connect import connect_engine
from runner.image.image import require_image
from tests.support.cluster.executor import cluster_executor
from tests.support.cluster.fake_worker import SleepingWorker
from tests.support.cluster.ray_cluster import RayCluster, pool_of, ray_cluster
from tests.support.fake_executor import MemorySink

pytestmark = [pytest.mark.cluster, pytest.mark.container]
UUIDS = [f"GPU-{number}{number}{number}{number}0000-aaaa" for number in range(4)]
DRIVER = """#!/bin/sh
case "$CUDA_VISIBLE_DEVICES" in
*{first}*) echo 'GPU 0: NVIDIA H200 (UUID: {first})'; echo 'GPU 1: NVIDIA H200 (UUID: {second})';;
*) echo 'GPU 0: NVIDIA H200 (UUID: {third})'; echo 'GPU 1: Tesla T4 (UUID: {fourth})';;
esac
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    """Yield a cluster of two nodes: one with two H200, the other with a H200 and a T4."""
    folder = tmp_path_factory.mktemp("bin")
    driver = folder / "nvidia-smi"
    driver.write_text(DRIVER.format(**dict(zip(("first", "second", "third", "fourth"), UUIDS, strict=True))))
    driver.chmod(0o755)
    with ray_cluster(0) as cluster:
        for visible in (UUIDS[:2], UUIDS[2:3]):
            path = f"{folder}:{os.environ['PATH']}"
            cluster.add_node(
                num_gpus=len(visible), env_vars={"PATH": path, "CUDA_VISIBLE_DEVICES": ",".join(visible)}
            )
        yield cluster


@pytest.fixture
def pool(cluster: RayCluster, load_challenge: Callable[[Limits], Challenge]) -> Iterator[ClusterPool]:
    image = require_image(connect_engine())
    required = Requirements(
        version=code_version(),
        image=image.digest,
        platform=image.platform,
        config=image.config,
        device_class="cuda:NVIDIA-H200",
    )
    with pool_of(
        cluster,
        load_challenge(Limits()),
        image,
        required=required,
        devices="cuda:NVIDIA-H200",
        worker=SleepingWorker,
    ) as pool:
        wait_until(lambda: len(devices_of(pool)) == 3, pool)
        yield pool


def devices_of(pool: ClusterPool) -> list[str]:
    return sorted(device.device_name for node in pool.overview() for device in node.devices)


def wait_until(condition: Callable[[], bool], pool: ClusterPool) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline, (devices_of(pool), pool.problems())
        time.sleep(0.2)


def test_nodes_say_which_classes_they_have(cluster: RayCluster) -> None:
    """As their driver lists them; the T4 is not for Ray to hand out, and is named all the same."""
    with joined_cluster(cluster.address) as ray:
        assert gpu_classes_of_nodes(ray) == {"NVIDIA-H200", "Tesla-T4"}


def test_each_process_has_a_gpu_of_its_own(
    pool: ClusterPool, load_challenge: Callable[[Limits], Challenge]
) -> None:
    """Of the class that was named, and what Ray says is free is not used twice; runs are recorded with it."""
    import ray  # an extra

    assert devices_of(pool) == [f"cuda:{uuid}" for uuid in UUIDS[:3]]
    assert ray.available_resources().get("GPU", 0.0) == 0.0
    for node in pool.overview():
        for device in node.devices:
            given = ray.get(device.actor.visible_gpus.remote(), timeout=60)
            assert [f"cuda:{uuid}" for uuid in given] == [device.device_name]
    from tests.cluster.test_ray_pool import PLANNED, SLOW, never

    challenge = load_challenge(Limits())
    with cluster_executor(pool, challenge, MemorySink(), submission=SLOW) as executor:
        runs = list(executor.execute(PLANNED, enough=never))
    assert sorted(run.ended.index for run in runs) == list(range(24))
    assert {run.device_class for run in runs} == {"cuda:NVIDIA-H200"}


def test_a_lost_process_gets_its_gpu_back(pool: ClusterPool) -> None:
    """Once Ray has it again."""
    node = next(node for node in pool.overview() if len(node.devices) == 2)
    lost = node.devices[0]
    os.kill(lost.mark.pid, signal.SIGKILL)
    wait_until(lambda: lost not in node.devices, pool)
    wait_until(lambda: len(devices_of(pool)) == 3, pool)
    assert devices_of(pool) == [f"cuda:{uuid}" for uuid in UUIDS[:3]]
