"""What a coordinator makes of nodes whose actors fail, with a stand-in for Ray that fails at will."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from runner.challenge.limits import Limits
from runner.cluster import nodes as module
from runner.cluster.answers import NodeRefusedError
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import OTHER_VERSION, NodeFacts, Requirements
from runner.cluster.device_pool import LostShareError
from runner.cluster.handles import Node, RayDevice, RayShare
from runner.cluster.node.agent import NodeAgent
from runner.cluster.nodes import Nodes
from runner.cluster.opening import start_devices
from runner.cluster.orders import ProcessMark
from runner.cluster.pool import ClusterPool
from runner.devices.device import Device
from runner.errors import HostNotReadyError
from tests.support.cluster.fake_ray import (
    FakeActor,
    FakeRay,
    Pending,
    RayActorError,
    RayTaskError,
    without_ray,
)

MARK = ProcessMark(pid=7, created=1.0)
DEVICES = tuple(Device(name=f"cpu {k}/2", requested="cpu", recorded="cpu", cores=1.0) for k in (1, 2))
REQUIRED = Requirements(
    version=code_version(), image="a" * 64, platform="linux/amd64", config="", device_class="cpu"
)
FIT: dict[str, Any] = {
    "version": code_version(),
    "image": "a" * 64,
    "platform": "linux/amd64",
    "free_bytes": 1 << 40,
    "devices": DEVICES,
}


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    without_ray(monkeypatch)


def nodes_with(ray: FakeRay) -> Nodes:
    return Nodes(ray, "me", devices="cpu:2", limits=Limits(), runtime="", image="a" * 64)


def device_of(cluster: Nodes, actor: FakeActor, name: str = DEVICES[0].name) -> RayDevice:
    return RayDevice(
        cluster=cluster,
        node="n",
        node_name="n",
        device_name=name,
        device_class="cpu",
        slot=name,
        actor=actor,
        mark=MARK,
    )


def agent_with(**facts: Any) -> FakeActor:
    return FakeActor(version=code_version(), facts=NodeFacts(**{"host": "n", **FIT, **facts}))


@pytest.fixture
def pool() -> Callable[..., tuple[ClusterPool, Node, RayDevice, list[str]]]:
    """Return a pool with a node that has lost one of two devices."""

    def make(agent: FakeActor, new_device: FakeActor) -> tuple[ClusterPool, Node, RayDevice, list[str]]:
        lines: list[str] = []
        ray = FakeRay(lambda wrapped: agent if wrapped is NodeAgent else new_device)
        pool = ClusterPool(
            ray, required=REQUIRED, devices="cpu:2", limits=Limits(), runtime="", report=lines.append
        )
        node = Node(id="n", name="n")
        device = device_of(pool._cluster, FakeActor())
        node.devices = [device]
        pool._nodes["n"] = node
        pool._taken[device] = "evaluation"
        return pool, node, device, lines

    return make


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            RayTaskError(HostNotReadyError("A share does not end within 120 s.")),
            "A share does not end within",
        ),
        (RayActorError("The actor died."), "The actor died"),
    ],
)
def test_a_share_that_did_not_end_is_lost(answer: Exception, words: str) -> None:
    """Its device is not given back: what it executes would go on beside the next share."""
    ray = FakeRay(lambda _wrapped: FakeActor())
    cluster = nodes_with(ray)
    share = RayShare(cluster, device_of(cluster, FakeActor(abort=answer)), "s", None)
    with pytest.raises(LostShareError, match=words):
        share.abort()


def test_a_share_whose_end_is_not_reported_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a while."""
    monkeypatch.setattr(module, "_ABORT_SECONDS", -1.0)
    cluster = nodes_with(FakeRay(lambda _wrapped: FakeActor()))
    with pytest.raises(LostShareError, match="does not end"):
        RayShare(cluster, device_of(cluster, FakeActor(abort=Pending())), "s", None).abort()


def test_a_share_that_has_ended_is_not_lost() -> None:
    """Its device is used again."""
    cluster = nodes_with(FakeRay(lambda _wrapped: FakeActor()))
    actor = FakeActor()
    RayShare(cluster, device_of(cluster, actor), "s", None).abort()
    assert actor.calls == [("abort", "s")]


@pytest.mark.parametrize("answer", [Pending(), RayActorError("It is dead."), RayTaskError(OSError("no"))])
def test_a_device_that_does_not_say_what_it_is_is_killed(answer: Exception) -> None:
    """No lease would end its process, which nobody can name."""
    silent = FakeActor(mark=answer)
    ray = FakeRay(lambda _wrapped: silent)
    node = Node(id="n", name="n", facts=NodeFacts(**{"host": "n", **FIT}))
    with pytest.raises(NodeRefusedError):
        start_devices(nodes_with(ray), node)
    assert ray.killed == [silent]


@pytest.mark.parametrize("is_forgotten", [True, False])
def test_a_successor_of_an_agent_ends_the_devices(is_forgotten: bool) -> None:
    """It has heard of no lease, so it is told the processes."""
    successor = FakeActor()
    cluster = nodes_with(FakeRay(lambda _wrapped: successor))
    node, other = Node(id="n", name="n"), Node(id="o", name="o")
    if not is_forgotten:
        node.agent, dead = FakeActor(release=RayActorError("dead")), RayActorError("dead")
        node.renewal = FakeActor(renew=dead).renew.remote()
    node.devices = [device_of(cluster, FakeActor())]
    cluster.leave([node, other])
    assert successor.calls == [("release", "me", [MARK])], "nothing is started on a node without devices"


def test_an_agent_that_another_thread_forgets_is_asked_still() -> None:
    """Between the question whether one is known and its use."""

    class ForgottenAtOnce(Node):
        @property
        def agent(self) -> Any:
            known, self.__dict__["known"] = self.__dict__.get("known"), None
            return known

        @agent.setter
        def agent(self, value: Any) -> None:
            self.__dict__["known"] = value

    agent = FakeActor(has_challenge=True)
    cluster = nodes_with(FakeRay(lambda _wrapped: agent))
    node = ForgottenAtOnce(id="n", name="n")
    for _ in range(3):
        assert cluster.has_challenge(node, "0" * 64)


@pytest.mark.parametrize(
    "problem", [{"problem": "doctor: swap: on", "devices": ()}, {"free_bytes": 0}, {"niceness": 5}]
)
def test_what_a_node_cannot_start_does_not_end_what_it_executes(pool: Any, problem: dict[str, Any]) -> None:
    """It is asked again after a while, and gets its device back then."""
    made, node, device, lines = pool(agent_with(**problem), FakeActor())
    made._open_node(node)
    assert not device.is_lost
    assert node.devices == [device]
    assert node.problem
    assert node.examine_at > time.monotonic() + 20
    assert node.lacks_devices
    assert len(lines) == 1
    assert "does not get a device back" in lines[0]


@pytest.mark.parametrize(
    "other",
    [{"version": "another"}, {"image": "b" * 64}, {"platform": "linux/arm64"}],
)
def test_what_other_software_executes_is_ended(pool: Any, other: dict[str, str]) -> None:
    """Its results would not compare."""
    made, node, device, lines = pool(agent_with(**other), FakeActor())
    made._open_node(node)
    assert device.is_lost
    assert node.devices == []
    assert lines == [f"node n is refused: {node.problem}"]


def test_a_device_of_another_version_ends_its_node(pool: Any) -> None:
    """Files were replaced after its agent had started."""
    made, node, device, _lines = pool(agent_with(), FakeActor(mark=MARK, version="another"))
    made._open_node(node)
    assert device.is_lost
    assert node.problem == OTHER_VERSION


@pytest.mark.parametrize("is_used", [True, False])
def test_a_busy_node_is_not_examined_again_at_once(pool: Any, is_used: bool) -> None:
    """An examination beside timed runs would disturb them; a node without runs is asked again at once."""
    made, node, device, lines = pool(agent_with(), FakeActor(mark=Pending()))
    if not is_used:
        made.lose(device, "is dead")
    made._open_node(node)
    assert (node.examine_at > time.monotonic() + 20) == is_used
    assert node.devices == ([device] if is_used else [])
    assert node.lacks_devices
    assert lines == []


def test_a_device_comes_back_once_its_node_is_fit(pool: Any) -> None:
    """And its problem is forgotten."""
    made, node, device, _lines = pool(agent_with(), FakeActor(mark=MARK, version=code_version()))
    node.problem = "it was not fit."
    made._open_node(node)
    assert [each.device_name for each in node.devices] == ["cpu 1/2", "cpu 2/2"]
    assert node.devices[0] is device
    assert node.problem == ""
    assert not node.lacks_devices
