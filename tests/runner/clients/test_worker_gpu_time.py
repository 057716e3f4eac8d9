"""On a GPU, a run's time begins when the supervisor reports it set up; the time before is not the run's."""

from __future__ import annotations

from typing import Final

import pytest

from runner.engine.placement import GpuRequest, Placement
from runner.errors import SandboxLostError
from runner.verdict import HOST_GRACE_SECONDS, Verdict
from sandbox.protocol.frames import encode
from sandbox.protocol.jobs import GPU_SETUP_SECONDS
from tests.support.worker_frames import SHORT_SECONDS, Begin, ended, finished, planned, verdicts

GPU: Final = Placement(gpu=GpuRequest(name="GPU-11111111", by_cdi=True))


def started(index: int) -> bytes:
    return encode("started", index=index)


def test_setting_up_is_not_the_runs_time(begin: Begin) -> None:
    """A context that takes much longer than the limit costs the run nothing."""
    worker, stream = begin(
        lambda index: [(20.0, started(index)), (20.01, ended(index)), (20.01, finished(index))],
        wall_seconds=SHORT_SECONDS,
        placement=GPU,
    )
    runs = list(worker.execute(planned(2)))
    assert [run.judgement.verdict for run in runs] == [Verdict.OK, Verdict.OK]
    assert [run.host_seconds for run in runs] == pytest.approx([0.01, 0.01])
    assert [run.setup_seconds for run in runs] == pytest.approx([20.0, 20.0])
    assert stream.killed == 0


def test_its_own_time_is_limited_as_ever(begin: Begin) -> None:
    """From the moment at which it was set up."""
    worker, stream = begin(lambda index: [(20.0, started(index))], wall_seconds=SHORT_SECONDS, placement=GPU)
    began = stream.clock()
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.TIME_LIMIT}
    assert stream.clock() - began == pytest.approx(20.0 + SHORT_SECONDS + HOST_GRACE_SECONDS)


def test_a_run_that_is_never_set_up_is_nobodys_verdict(begin: Begin) -> None:
    """Whether the supervisor ends it, or is silent until the host does."""
    worker, stream = begin(lambda _index: [], wall_seconds=SHORT_SECONDS, placement=GPU)
    with pytest.raises(SandboxLostError, match="not set up on the GPU within 60 s"):
        list(worker.execute(planned(1)))
    assert stream.killed == 1
    worker, stream = begin(
        lambda index: [
            (GPU_SETUP_SECONDS, ended(index)),
            (
                GPU_SETUP_SECONDS,
                finished(index, ended_by="time", started=False, frozen_seconds=0.0, oom_events=-1),
            ),
        ],
        wall_seconds=SHORT_SECONDS,
        placement=GPU,
    )
    with pytest.raises(SandboxLostError, match="could not be set up"):
        list(worker.execute(planned(1)))


@pytest.mark.parametrize("frames", ["twice", "after the end", "on the cpu"])
def test_a_second_beginning_is_a_violation(begin: Begin, frames: str) -> None:
    """Nobody begins the time of a run anew."""
    sent = {
        "twice": started(0) + started(0),
        "after the end": started(0) + ended(0) + started(0),
        "on the cpu": started(0),
    }[frames]
    placement = {} if frames == "on the cpu" else {"placement": GPU}
    worker, _stream = begin(lambda _index: [(0.0, sent)], wall_seconds=60.0, **placement)
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.PROTOCOL}
