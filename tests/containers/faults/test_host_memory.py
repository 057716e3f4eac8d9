"""A memory kill counts against a run or a checkpoint only if its own container's limit was reached.

The host's shortage is made by a control group around the containers that is smaller than they are together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Container, ContainerExit, running
from runner.engine.container_spec import FIRST_UID, evaluator_container, worker_container
from runner.errors import SandboxLostError
from runner.image.image import Image
from runner.units import MIB
from runner.verdict import Verdict
from tests.containers.faults.outer_group import OuterGroup, outer_group
from tests.support.submissions import pack_submission

pytestmark = pytest.mark.container

TAKES = """
import os, time
def unlearning(net, retain, forget, val):
    memory = [bytearray(b"x") * (16 << 20) for _ in range({portions})]
    time.sleep(0.5)
"""
IN_A_CHILD = """
import os
def unlearning(net, retain, forget, val):
    if os.fork() == 0:
        memory = [bytearray(b"x") * (16 << 20) for _ in range(64)]
        os._exit(0)
    if os.wait()[1]:
        raise RuntimeError("a worker of the loader was killed")
"""
SLEEPS = """
import time
def unlearning(net, retain, forget, val):
    time.sleep(60)
"""
A_GIGABYTE = TAKES.format(portions=64)
ENDLESS = TAKES.format(portions=100_000)


@pytest.fixture
def around() -> Iterator[OuterGroup]:
    """Return a control group around all containers of a test."""
    with outer_group("memory") as group:
        yield group


@pytest.fixture
def execute(
    built_image: Image,
    labels: dict[str, str],
    challenge: Challenge,
    around: OuterGroup,
) -> Callable[..., list[EndedRun]]:
    """Return a function that executes a source once, in a container below the control group."""

    def run(
        source: str,
        *,
        hosts_bytes: int,
        own_bytes: int,
        meanwhile: Callable[[Container], None] | None = None,
    ) -> list[EndedRun]:
        limited = challenge.with_limits(memory_bytes=own_bytes)
        container = around.engine.start(
            worker_container(image=built_image.tag, limits=limited.description.limits, labels=labels)
        )
        try:
            worker = WorkerClient(
                stream=container,
                challenge=limited,
                submission=pack_submission(source),
                runs=1,
                first_uid=FIRST_UID,
            )
            around.limit_memory(hosts_bytes)
            with ThreadPoolExecutor(1) as threads:
                if meanwhile is not None:
                    threads.submit(meanwhile, container)
                return list(worker.execute([PlannedRun(index=0, seed=1)]))
        finally:
            container.remove()

    return run


@pytest.fixture
def neighbour_takes_all(built_image: Image, labels: dict[str, str], around: OuterGroup) -> Callable[[], None]:
    """Return a function with which another container below the control group takes all of its memory."""
    command = ("/opt/venv/bin/python", "-c", "x = []\nwhile True: x.append(bytearray(b'x') * (16 << 20))")
    spec = evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)

    def take() -> None:
        with running(around.engine, replace(spec, command=command)) as container:
            assert container.receive(120.0) is None
            ending = container.ending()
            assert ending is not None
            assert ending.exit_code == 137

    return take


@pytest.mark.parametrize(
    "source", [A_GIGABYTE, ENDLESS, IN_A_CHILD], ids=["a gigabyte", "endless", "in a child"]
)
def test_a_kill_for_the_hosts_shortage_is_no_verdict(
    execute: Callable[..., list[EndedRun]], source: str
) -> None:
    """The kernel chose the run, since it volunteers; it had used a quarter of what it may."""
    with pytest.raises(SandboxLostError, match="short of memory"):
        execute(source, hosts_bytes=900 * MIB, own_bytes=4096 * MIB)


def test_without_a_shortage_the_same_run_is_fine(execute: Callable[..., list[EndedRun]]) -> None:
    """The control: nothing else ends it."""
    (ended,) = execute(A_GIGABYTE, hosts_bytes=6000 * MIB, own_bytes=4096 * MIB)
    assert ended.judgement.verdict is Verdict.OK, ended.judgement


def test_a_kill_at_its_own_limit_is_its_own(execute: Callable[..., list[EndedRun]]) -> None:
    """The other control: on a host with memory left."""
    (ended,) = execute(ENDLESS, hosts_bytes=6000 * MIB, own_bytes=256 * MIB)
    assert ended.judgement.verdict is Verdict.MEMORY_LIMIT, ended.judgement


@pytest.mark.slow
def test_a_neighbours_shortage_is_not_the_containers(
    execute: Callable[..., list[EndedRun]], neighbour_takes_all: Callable[[], None]
) -> None:
    """Under control groups 1 the engine says of all containers there that they were killed for memory.

    So when one of them is killed from outside for another reason, its word alone would be believed.
    """

    def meanwhile(container: Container) -> None:
        neighbour_takes_all()
        container.kill()

    with pytest.raises(SandboxLostError):
        execute(SLEEPS, hosts_bytes=1500 * MIB, own_bytes=1024 * MIB, meanwhile=meanwhile)


def test_an_evaluator_is_not_killed_by_a_neighbours_shortage(
    built_image: Image,
    labels: dict[str, str],
    around: OuterGroup,
    neighbour_takes_all: Callable[[], None],
) -> None:
    """Two evaluators that fail by themselves reject a checkpoint; this one has not."""
    spec = evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)
    around.limit_memory(1000 * MIB)
    with running(around.engine, replace(spec, command=("/usr/bin/cat",))) as container:
        neighbour_takes_all()
        container.kill()
        assert container.ending() == ContainerExit(exit_code=137, oom_killed=False)


def test_a_container_killed_at_its_own_limit_says_so(
    built_image: Image, labels: dict[str, str], around: OuterGroup
) -> None:
    """The control: the group around it has no limit."""
    spec = evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)
    command = ("/opt/venv/bin/python", "-c", "x = []\nwhile True: x.append(bytearray(b'x') * (16 << 20))")
    with running(around.engine, replace(spec, command=command, memory_bytes=256 * MIB)) as container:
        assert container.receive(120.0) is None
        assert container.ending() == ContainerExit(exit_code=137, oom_killed=True)


def test_a_limit_around_it_that_was_reached_before_explains_nothing(
    built_image: Image,
    labels: dict[str, str],
    around: OuterGroup,
    neighbour_takes_all: Callable[[], None],
) -> None:
    """Otherwise no container there would ever again be told apart from one that the host has killed."""
    around.limit_memory(1000 * MIB)
    neighbour_takes_all()
    spec = evaluator_container(image=built_image.tag, cpus=1.0, labels=labels)
    command = ("/opt/venv/bin/python", "-c", "x = []\nwhile True: x.append(bytearray(b'x') * (16 << 20))")
    with running(around.engine, replace(spec, command=command, memory_bytes=256 * MIB)) as container:
        assert container.receive(120.0) is None
        assert container.ending() == ContainerExit(exit_code=137, oom_killed=True)
