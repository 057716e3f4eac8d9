"""A run that the host stopped, killed or delayed has no verdict: its container is given up, it is repeated."""

from __future__ import annotations

import pytest

from runner.errors import SandboxLostError
from runner.verdict import Verdict
from sandbox.protocol.frames import Scalar
from tests.support.fake_stream import Answer
from tests.support.worker_frames import QUIET, SHORT_SECONDS, Begin, finished, planned, raised, verdicts

KILLED: dict[str, Scalar] = {"oom_kills": 1, "exit_code": -9, "result": "none", "ended_by": ""}
LATER: dict[str, Scalar] = {"started": True, "frozen_seconds": 0.0, "oom_events": 0}


def killed(index: int, **changes: Scalar) -> list[Answer]:
    return [(0.0, finished(index, b"", **{**KILLED, **changes}))]


@pytest.mark.parametrize(
    "changes",
    [
        {**LATER, "oom_events": 0},
        {**LATER, "started": False, "oom_kills": 0},
        {**LATER, "frozen_seconds": 3.0, "ended_by": "time", "oom_kills": 0},
    ],
    ids=["host's memory", "not set up", "frozen"],
)
def test_it_is_the_hosts(begin: Begin, changes: dict[str, Scalar]) -> None:
    """No verdict, and no other run in that container."""
    worker, stream = begin(lambda index: killed(index, **changes))
    with pytest.raises(SandboxLostError):
        list(worker.execute(planned(3)))
    assert stream.killed == 1
    assert not worker.is_usable


def test_a_memory_kill_at_its_own_limit_is_its_own(begin: Begin) -> None:
    """The container says so under control groups 2."""
    worker, _stream = begin(lambda index: killed(index, **{**LATER, "oom_events": 1}))
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.MEMORY_LIMIT}


@pytest.mark.parametrize(("reached", "own"), [(True, True), (False, False), (None, True)])
def test_under_control_groups_1_the_engine_is_asked(begin: Begin, reached: bool | None, own: bool) -> None:
    """Whether the container has come up to its limit; the next run gets a container without such a past."""
    worker, _stream = begin(
        lambda index: killed(index, **{**LATER, "oom_events": -1}), reached_memory_limit=reached
    )
    if own:
        assert verdicts(worker.execute(planned(1))) == {0: Verdict.MEMORY_LIMIT}
    else:
        with pytest.raises(SandboxLostError, match="short of memory"):
            list(worker.execute(planned(1)))
    assert not worker.is_usable


@pytest.mark.parametrize("is_full", [False, True])
def test_no_room_for_threads_around_the_container(begin: Begin, is_full: bool) -> None:
    """Nobody's verdict; within its own limit of processes, it is the run's."""
    worker, stream = begin(lambda index: [(0.0, raised(index, message="can't start new thread"))])
    stream.out_of_processes = is_full
    if is_full:
        with pytest.raises(SandboxLostError, match="no room for further processes"):
            list(worker.execute(planned(1)))
    else:
        assert verdicts(worker.execute(planned(1))) == {0: Verdict.CRASHED}


def test_a_container_that_stands_still_beyond_a_runs_time(begin: Begin) -> None:
    """Paused, frozen, or behind an engine that does not answer."""
    worker, stream = begin(lambda _index: QUIET, wall_seconds=SHORT_SECONDS)
    stream.running = False
    with pytest.raises(SandboxLostError, match="stood still"):
        list(worker.execute(planned(1)))
    assert stream.killed == 1


def test_frames_of_earlier_images_are_understood(begin: Begin) -> None:
    """They lack the fields, and the run is judged without them; some of them are a violation."""
    worker, _stream = begin(lambda index: [(0.0, raised(index))])
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.CRASHED}
    worker, _stream = begin(lambda index: [(0.0, finished(index, started=True))])
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.PROTOCOL}
