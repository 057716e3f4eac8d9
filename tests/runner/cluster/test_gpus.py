"""GPUs of a cluster: one class for a command, taken from what Ray hands out, and retraining timed on one of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cluster.answers import NodeRefusedError
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import NodeFacts, Requirements
from runner.cluster.decisions.gpu_class import devices_of_nodes, recorded_class
from runner.cluster.handles import Node
from runner.cluster.node.agent import NodeAgent
from runner.cluster.opening import resources_of, start_devices
from runner.cluster.orders import ProcessMark, TimingOrder
from runner.cluster.pool import ClusterPool
from runner.cluster.retraining import ClusterTimer
from runner.devices.device import Device
from runner.errors import (
    ConfigurationError,
    HostNotReadyError,
    RunnerError,
    SandboxError,
    UnmetRequirementError,
)
from runner.image.image import Image
from runner.progress import NullReporter
from tests.support.cluster.fake_ray import FakeActor, FakeRay, RayActorError, RayTaskError, without_ray

MARK = ProcessMark(pid=7, created=1.0)
H200 = "cuda:NVIDIA-H200"
UUIDS = ("GPU-00000000-aaaa", "GPU-11111111-bbbb")
INSTANCE = "MIG-33333333-dddd"
IMAGE = Image(digest="a" * 64, identity="sha256:1")
MEASURED = {
    "retrain_seconds": 100.0,
    "epoch_seconds": [10.0],
    "epochs": 1,
    "processor": "fast",
    "measured": "2026-11-30T12:00:00+00:00",
}


def a_gpu(uuid: str, name: str = H200) -> Device:
    return Device(name=f"cuda:{uuid}", requested=f"cuda:{uuid}", recorded=name, cores=4.0)


def facts(*devices: Device) -> NodeFacts:
    return NodeFacts(
        host="n",
        version=code_version(),
        image=IMAGE.digest,
        platform="linux/amd64",
        free_bytes=1 << 40,
        devices=devices,
    )


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    without_ray(monkeypatch)


@pytest.fixture
def tiny(load_challenge: Callable[[Limits], Challenge]) -> Challenge:
    return load_challenge(Limits())


def new_pool(agent: FakeActor, devices: list[FakeActor]) -> tuple[ClusterPool, FakeRay]:
    """Return the pool of a cluster whose next devices are these."""
    ray = FakeRay(lambda wrapped: agent if wrapped is NodeAgent else devices.pop(0), ["n"])
    required = Requirements(
        version=code_version(), image=IMAGE.digest, platform="linux/amd64", config="", device_class=H200
    )
    pool = ClusterPool(
        ray, required=required, devices=H200, limits=Limits(), runtime="", report=lambda _line: None
    )
    return pool, ray


def a_worker(*visible: str, **answers: Any) -> FakeActor:
    return FakeActor(**{"mark": MARK, "version": code_version(), "visible_gpus": list(visible), **answers})


@pytest.mark.parametrize(
    ("typed", "required", "classes", "devices"),
    [
        ("", "cpu", [], "cpu:1"),
        ("cpu:4", "cpu", [], "cpu:4"),
        ("", "cuda", ["NVIDIA-H200"], H200),
        ("all", "cpu", ["NVIDIA-H200", "NVIDIA-H200"], H200),
        (H200, "cuda", ["NVIDIA-H200", "Tesla-T4"], H200),
        ("cuda:NVIDIA-H200.MIG-1g.18gb", "cuda", [], "cuda:NVIDIA-H200.MIG-1g.18gb"),
    ],
)
def test_a_command_has_one_class_of_devices(
    typed: str, required: str, classes: list[str], devices: str
) -> None:
    """The one that is named, or the only one of the cluster; evaluations are recorded with it."""
    chosen = devices_of_nodes(typed, required_device=required, classes=lambda: classes)
    assert chosen == devices
    assert recorded_class(chosen) == ("cpu" if devices.startswith("cpu") else devices)


@pytest.mark.parametrize(
    ("typed", "required", "classes", "error", "words"),
    [
        ("cpu:2", "cuda", [], UnmetRequirementError, "needs a GPU"),
        ("", "cuda", [], HostNotReadyError, "No node of the cluster has a GPU"),
        ("all", "cuda", ["Tesla-T4", "NVIDIA-H200"], ConfigurationError, "NVIDIA-H200, Tesla-T4"),
        ("GPU-00000000-aaaa", "cuda", ["NVIDIA-H200"], ConfigurationError, "--devices must be"),
        ("cuda:0", "cuda", ["NVIDIA-H200"], ConfigurationError, "--devices must be"),
    ],
)
def test_times_on_several_classes_do_not_compare(
    typed: str, required: str, classes: list[str], error: type[RunnerError], words: str
) -> None:
    """And one node's numbers and UUIDs are not another's."""
    with pytest.raises(error, match=words):
        devices_of_nodes(typed, required_device=required, classes=lambda: classes)


@pytest.mark.parametrize(
    ("device", "offered", "taken"),
    [
        (a_gpu(UUIDS[0]), {"CPU": 8.0, "GPU": 2.0}, {"GPU": 1.0}),
        (a_gpu(UUIDS[0]), {"CPU": 8.0}, {}),
        (a_gpu(UUIDS[0]), {"GPU": 2.0, UUIDS[0]: 1.0}, {UUIDS[0]: 1.0}),
        (a_gpu(INSTANCE), {"GPU": 1.0, INSTANCE: 1.0}, {INSTANCE: 1.0}),
        (a_gpu(INSTANCE), {"GPU": 1.0}, {}),
        (Device(name="cpu 1/1", requested="cpu", recorded="cpu", cores=2.0), {"CPU": 8.0, "GPU": 2.0}, {}),
    ],
)
def test_a_device_takes_what_ray_hands_out(
    device: Device, offered: Mapping[str, float], taken: Mapping[str, float]
) -> None:
    """A whole GPU one of Ray's, an instance the resource of its name, a share of the cores nothing."""
    assert resources_of(device, Node(id="n", name="n", resources=offered)) == taken


def test_a_process_uses_the_gpu_that_ray_gives_it() -> None:
    """Whichever it is; when it is lost, a process is started again in its place."""
    crossed = [a_worker(UUIDS[1].lower()), a_worker(UUIDS[0])]
    pool, ray = new_pool(FakeActor(), [*crossed, a_worker(UUIDS[1])])
    node = Node(id="n", name="n", resources={"GPU": 2.0}, facts=facts(a_gpu(UUIDS[0]), a_gpu(UUIDS[1])))
    node.devices = start_devices(pool._cluster, node)
    assert [device.device_name for device in node.devices] == [f"cuda:{UUIDS[1]}", f"cuda:{UUIDS[0]}"]
    assert ("use", a_gpu(UUIDS[1])) in crossed[0].calls
    assert [options["num_gpus"] for options in ray.options] == [1.0, 1.0]
    node.devices = node.devices[1:]
    (again,) = start_devices(pool._cluster, node)
    assert (again.slot, again.device_name) == (f"cuda:{UUIDS[0]}", f"cuda:{UUIDS[1]}")
    assert ray.options[2]["name"] == ray.options[0]["name"], "the name of the process that is gone"


@pytest.mark.parametrize("visible", [(), ("0",), ("GPU-22222222-cccc",), UUIDS])
def test_a_gpu_without_its_uuid_is_refused(visible: tuple[str, ...]) -> None:
    """Ray's numbers are not the engine's."""
    worker = a_worker(*visible)
    pool, ray = new_pool(FakeActor(), [worker])
    node = Node(id="n", name="n", resources={"GPU": 2.0}, facts=facts(a_gpu(UUIDS[0]), a_gpu(UUIDS[1])))
    with pytest.raises(NodeRefusedError, match="CUDA_VISIBLE_DEVICES"):
        start_devices(pool._cluster, node)
    assert ray.killed == [worker]


def timer_of(pool: ClusterPool) -> ClusterTimer:
    return ClusterTimer(pool, device_class=H200, image=IMAGE, runtime="", reporter=NullReporter())


def agent_of_node() -> FakeActor:
    return FakeActor(version=code_version(), facts=facts(a_gpu(UUIDS[0])), has_challenge=True)


def test_retraining_is_timed_on_a_device_of_the_class(tiny: Challenge) -> None:
    """Which is free again afterwards; another device of the class need not measure."""
    worker = a_worker(time_retraining=MEASURED)
    pool, _ray = new_pool(agent_of_node(), [worker])
    with pool:
        timer = timer_of(pool)
        assert timer.measure(tiny).retrain_seconds == 100.0
        pool.open("evaluation", tiny)
        assert pool.take("evaluation") is not None
    ((_name, order),) = [call for call in worker.calls if call[0] == "time_retraining"]
    assert isinstance(order, TimingOrder)
    assert (order.challenge_sha256, order.image) == (tiny.sha256, IMAGE.digest)
    assert timer.on_gpu
    assert dict(timer.key(tiny).machine) == {"class": H200}


@pytest.mark.parametrize("failure", [RayTaskError(SandboxError("The trainer failed.")), {"epochs": 1}])
def test_retraining_that_cannot_be_timed_is_said(tiny: Challenge, failure: object) -> None:
    """With what the node says; the device is free again."""
    pool, _ray = new_pool(agent_of_node(), [a_worker(time_retraining=failure)])
    with pool:
        with pytest.raises(HostNotReadyError, match=r"The trainer failed|invalid measurement"):
            timer_of(pool).measure(tiny)
        pool.open("evaluation", tiny)
        assert pool.take("evaluation") is not None


def test_an_agent_that_is_dead_has_no_classes() -> None:
    """Its node is not counted."""
    pool, _ray = new_pool(FakeActor(version=RayActorError("dead")), [])
    with pytest.raises(NodeRefusedError):
        pool._cluster.gpu_classes(Node(id="n", name="n"))
