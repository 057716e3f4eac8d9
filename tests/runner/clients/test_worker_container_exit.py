"""A container that ends in mid-run: the runs in progress are blamed only on evidence."""

from __future__ import annotations

import pytest

from runner.engine.api import ContainerExit
from runner.engine.placement import Placement
from runner.errors import SandboxLostError
from runner.verdict import Verdict
from sandbox.protocol.frames import Scalar
from tests.support.worker_frames import CHECKPOINT, END, Begin, finished, planned, verdicts

REST: dict[str, Scalar] = {"started": True, "frozen_seconds": 0.0, "oom_events": 1}


@pytest.mark.parametrize(
    "ending",
    [None, *(ContainerExit(exit_code=code, oom_killed=False) for code in (0, 1, 2, 137))],
)
def test_container_that_ends_by_itself(begin: Begin, ending: ContainerExit | None) -> None:
    """A container that ends in mid-run without evidence against the submission is lost: the run is repeated."""
    worker, _stream = begin(lambda _index: [END], ending=ending, stderr=b"segmentation fault\n")
    with pytest.raises(SandboxLostError, match=r"mid-run.*: segmentation fault"):
        list(worker.execute(planned(1)))


def test_a_kernel_in_user_space_is_ended_by_the_run(begin: Begin) -> None:
    """gVisor's kernel panics when a run leaves it no process; the run is blamed, not repeated."""
    worker, _stream = begin(
        lambda _index: [END],
        ending=ContainerExit(exit_code=2, oom_killed=False),
        placement=Placement(runtime="runsc"),
    )
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.CRASHED}


def test_a_kernel_in_user_space_without_room_for_processes(begin: Begin) -> None:
    """It panics also where a group around the container has no room for them: then it is nobody's verdict."""
    worker, stream = begin(
        lambda _index: [END],
        ending=ContainerExit(exit_code=2, oom_killed=False),
        placement=Placement(runtime="runsc"),
    )
    stream.out_of_processes = True
    with pytest.raises(SandboxLostError):
        list(worker.execute(planned(1)))


def test_runs_before_the_end_count(begin: Begin) -> None:
    """Runs that finished before the container was lost have been yielded."""
    worker, _stream = begin(lambda index: [(0.0, finished(index))] if index == 0 else [END])
    runs = worker.execute(planned(2))
    assert next(runs).judgement.verdict is Verdict.OK
    with pytest.raises(SandboxLostError):
        next(runs)


def test_container_killed_for_memory(begin: Begin) -> None:
    """If the engine reports that the kernel killed the container for memory, its run is blamed."""
    worker, _stream = begin(lambda _index: [END], ending=ContainerExit(exit_code=137, oom_killed=True))
    assert verdicts(worker.execute(planned(4))) == {0: Verdict.MEMORY_LIMIT}
    assert not worker.is_usable


@pytest.mark.parametrize("changes", [{"result": "none", "exit_code": -9, "ended_by": ""}, {}])
def test_no_other_run_follows_a_memory_kill(begin: Begin, changes: dict[str, Scalar]) -> None:
    """Whatever the verdict on its run: the engine keeps reporting the kill, and would do so of the next run.

    Otherwise a run that has a child killed could let later ones pass off as the host's fault what they do.
    """
    worker, stream = begin(
        lambda index: [(0.0, finished(index, CHECKPOINT, **{"oom_kills": 1, **REST, **changes}))]
    )
    runs = list(worker.execute(planned(2)))
    assert [run.index for run in runs] == [0]
    assert stream.killed == 1
    assert not worker.is_usable


def test_frame_cut_by_the_end(begin: Begin) -> None:
    """An incomplete frame before the end is no result."""
    worker, _stream = begin(lambda index: [(0.0, finished(index)[:-1]), END])
    with pytest.raises(SandboxLostError):
        list(worker.execute(planned(1)))
