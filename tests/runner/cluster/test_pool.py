"""What a coordinator's pool does when devices and nodes die, with a stand-in for Ray that fails at will."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.cluster.code_version import code_version
from runner.cluster.decisions.fitness import NodeFacts, Requirements
from runner.cluster.device_pool import LostShareError
from runner.cluster.handles import Node, RayDevice, RayShare
from runner.cluster.node.agent import NodeAgent
from runner.cluster.orders import ProcessMark
from runner.cluster.pool import ClusterPool
from runner.devices.device import Device
from runner.errors import HostNotReadyError
from tests.support.cluster.fake_ray import FakeActor, FakeRay, Pending, RayActorError, Reference, without_ray

MARK = ProcessMark(pid=7, created=1.0)
DEVICE = Device(name="cpu 1/1", requested="cpu", recorded="cpu", cores=1.0)
FACTS = NodeFacts(
    host="n",
    version=code_version(),
    image="a" * 64,
    platform="linux/amd64",
    free_bytes=1 << 40,
    devices=(DEVICE,),
)
REQUIRED = Requirements(
    version=code_version(), image="a" * 64, platform="linux/amd64", config="", device_class="cpu"
)


@pytest.fixture(autouse=True)
def _no_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    without_ray(monkeypatch)


@pytest.fixture
def tiny(load_challenge: Callable[[Limits], Challenge]) -> Challenge:
    return load_challenge(Limits())


def new_pool(agent: FakeActor, device: FakeActor, *nodes: str, lines: list[str] | None = None) -> ClusterPool:
    """Return a pool of nodes whose agents and devices are these."""
    ray = FakeRay(lambda wrapped: agent if wrapped is NodeAgent else device, nodes)
    report = [] if lines is None else lines
    return ClusterPool(
        ray, required=REQUIRED, devices="cpu:1", limits=Limits(), runtime="", report=report.append
    )


def an_agent(**answers: Any) -> FakeActor:
    return FakeActor(**{"version": code_version(), "facts": FACTS, "has_challenge": True, **answers})


def a_device(**answers: Any) -> FakeActor:
    return FakeActor(**{"mark": MARK, "version": code_version(), **answers})


def with_device(pool: ClusterPool, actor: FakeActor, *, node: str = "n") -> RayDevice:
    """Add a node with a free device to a pool."""
    added = Node(id=node, name=node, facts=FACTS)
    device = RayDevice(
        cluster=pool._cluster,
        node=node,
        node_name=node,
        device_name=DEVICE.name,
        device_class="cpu",
        slot=DEVICE.name,
        actor=actor,
        mark=MARK,
    )
    added.devices = [device]
    pool._nodes[node] = added
    pool._free.append(device)
    return device


def test_a_device_that_dies_is_lost_two_beats_after_its_last_answer() -> None:
    """The first sees the answer and asks again, the second sees that call fail."""
    answers: list[object] = [None, RayActorError("It is dead.")]
    pool = new_pool(an_agent(), a_device(), "n")
    device = with_device(pool, FakeActor(ping=lambda: answers.pop(0)))
    pool._beat()
    assert not device.is_lost
    pool._beat()
    assert not device.is_lost
    assert answers == []
    pool._beat()
    assert device.is_lost
    assert "is dead" in device.loss


def test_a_device_that_answers_is_kept() -> None:
    """However often it is asked."""
    pool = new_pool(an_agent(), a_device(), "n")
    device = with_device(pool, FakeActor())
    for _ in range(5):
        pool._beat()
    assert not device.is_lost


def test_a_message_that_never_comes_is_given_up_with_its_device() -> None:
    """What is announced may be in the memory of a node that has died: nobody waits for Ray to say so."""
    pool = new_pool(an_agent(), a_device(), "n")
    device = with_device(pool, FakeActor())
    share = RayShare(pool._cluster, device, "s", iter([Reference(Pending())]))
    looks = 0

    def is_lost_later(*_arguments: object, **_more: object) -> tuple[list[Any], list[Any]]:
        nonlocal looks
        looks += 1
        device.is_lost, device.loss = looks == 3, "its node is gone"
        return [], []

    pool._cluster._ray.wait = is_lost_later
    with pytest.raises(LostShareError, match="its node is gone"):
        share.take()
    assert looks == 3


def test_a_node_that_is_gone_loses_its_devices_though_another_is_being_opened(tiny: Challenge) -> None:
    """Opening a node takes long, and nothing waits for it."""
    pool = new_pool(an_agent(version=lambda: time.sleep(0.5)), a_device(), "new")
    device = with_device(pool, FakeActor(), node="old")
    pool.open("evaluation", tiny)
    pool._look_at_nodes()
    pool._beat()
    assert device.is_lost
    assert "old" not in pool._nodes
    assert pool._nodes["new"].is_opening
    pool._openers.shutdown()


def test_a_node_that_is_gone_while_it_is_opened_is_not_used() -> None:
    """The process of its device is ended."""
    actor = a_device()
    pool = new_pool(an_agent(), actor, "n")
    node = Node(id="n", name="n")
    pool._open_node(node)  # which the pool does not know, or not any more
    assert node.devices == []
    assert pool._free == []
    assert pool._cluster._ray.killed == [actor]


def test_a_device_is_taken_only_where_the_challenge_is(tiny: Challenge) -> None:
    """Whoever takes it waits for no node."""
    pool = new_pool(an_agent(), a_device(), "n")
    pool.open("evaluation", tiny)
    device = with_device(pool, FakeActor())
    assert pool.take("evaluation") is None
    pool._nodes["n"].challenges.add(tiny.sha256)
    assert pool.take("evaluation") is device
    assert pool.take("evaluation") is None


def test_a_node_that_cannot_store_the_challenge_is_refused(tiny: Challenge) -> None:
    """With the reason; an evaluation that is opened brings it to all nodes."""
    lines: list[str] = []
    agent = an_agent(has_challenge=RayActorError("No space left."))
    pool = new_pool(agent, a_device(), "n", lines=lines)
    device = with_device(pool, FakeActor())
    pool.open("evaluation", tiny)
    assert device.is_lost
    assert "No space left." in lines[0]


def test_a_pool_opens_its_nodes_and_brings_them_the_challenges(tiny: Challenge) -> None:
    """Also those of evaluations that were opened before the node came."""
    agent = an_agent()
    with new_pool(agent, a_device(), "n") as pool:
        assert pool.nodes() == 1
        node = pool._nodes["n"]
        pool.lose(node.devices[0], "it was killed")
        pool.open("evaluation", tiny)
        node.examine_later(at_once=True)
        pool._look_at_nodes()
        deadline = time.monotonic() + 10
        while (device := pool.take("evaluation")) is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        pool.give_back(device)
    assert ("has_challenge", tiny.sha256) in agent.calls


@pytest.mark.parametrize("nodes", [(), ("n",)])
def test_a_cluster_without_fit_nodes_is_refused(nodes: tuple[str, ...]) -> None:
    """With what is wrong with each; nothing is waited for."""
    begun = time.monotonic()
    unfit = NodeFacts(host="n", version="another")
    with (
        pytest.raises(HostNotReadyError, match="another one" if nodes else "has no nodes"),
        new_pool(an_agent(facts=unfit), a_device(), *nodes),
    ):
        pass
    assert time.monotonic() - begun < 10


def test_a_command_begins_with_all_nodes_that_are_being_opened() -> None:
    """The first would get all of what there is to do."""

    def late() -> str:
        time.sleep(0.2 * random.random())
        return code_version()

    agent = an_agent(version=late)
    with new_pool(agent, a_device(), "a", "b", "c") as pool:
        assert pool.nodes() == 3
