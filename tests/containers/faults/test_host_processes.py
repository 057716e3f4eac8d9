"""Where a control group around the containers has no room for further processes, no run is to blame."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.container_spec import FIRST_UID, worker_container
from runner.errors import SandboxLostError
from runner.image.image import Image
from runner.verdict import Verdict
from tests.containers.faults.outer_group import OuterGroup, outer_group
from tests.support.submissions import pack_submission

pytestmark = pytest.mark.container

THREADS = """
import threading, time
def unlearning(net, retain, forget, val):
    threads = [threading.Thread(target=time.sleep, args=(1,)) for _ in range(40)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"""


@pytest.fixture
def around() -> Iterator[OuterGroup]:
    """Return a control group around all containers of a test."""
    with outer_group("pids") as group:
        yield group


@pytest.fixture
def execute(
    built_image: Image, labels: dict[str, str], challenge: Challenge, around: OuterGroup
) -> Callable[..., list[EndedRun]]:
    """Return a function that executes a source once, with so many processes in the group and for the run."""

    def run(source: str, *, hosts: int, own: int) -> list[EndedRun]:
        limited = challenge.with_limits(processes=own)
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
            around.limit_processes(hosts)
            return list(worker.execute([PlannedRun(index=0, seed=1)]))
        finally:
            container.remove()

    return run


def test_no_room_for_the_threads_of_a_run_is_no_verdict(execute: Callable[..., list[EndedRun]]) -> None:
    """It may have 256 of them."""
    with pytest.raises(SandboxLostError, match="no room for further processes"):
        execute(THREADS, hosts=30, own=256)


@pytest.mark.slow
def test_more_threads_than_a_run_may_have_are_its_own(execute: Callable[..., list[EndedRun]]) -> None:
    """The control: there is room around it."""
    (ended,) = execute(THREADS, hosts=1000, own=20)
    assert ended.judgement.verdict is Verdict.CRASHED, ended.judgement
    assert "can't start new thread" in ended.judgement.detail
