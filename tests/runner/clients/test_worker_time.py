"""A run is ended at its limit by the host's own clock, and is charged for its own time alone."""

from __future__ import annotations

from typing import Any

import pytest

from runner.clients.channel import Channel
from runner.engine.api import ContainerExit
from runner.errors import SandboxLostError
from runner.verdict import HOST_GRACE_SECONDS, Verdict
from sandbox.protocol.messages import from_worker
from tests.support.fake_stream import Clock
from tests.support.worker_frames import SHORT_SECONDS, Begin, ended, finished, log, planned, verdicts


def test_silence(begin: Begin) -> None:
    """A run that sends nothing is ended by the host's own clock, once limit and grace have passed."""
    worker, stream = begin(lambda index: [(0.0, log(index, b"still here"))], wall_seconds=SHORT_SECONDS)
    started_at = stream.clock()
    (run,) = worker.execute(planned(3))
    assert stream.clock() - started_at == pytest.approx(SHORT_SECONDS + HOST_GRACE_SECONDS)
    assert run.judgement.verdict is Verdict.TIME_LIMIT
    assert run.judgement.detail == "not finished within 0.05 s"
    assert run.log == b"still here"
    assert stream.killed == 1


def test_supervisor_ends_for_time(begin: Begin) -> None:
    """A run that the supervisor ended is ``time-limit`` even with a checkpoint; other runs continue."""
    worker, stream = begin(
        lambda index: [(0.0, finished(index, ended_by="time" if index == 0 else "result", exit_code=-9))]
    )
    assert verdicts(worker.execute(planned(2))) == {0: Verdict.TIME_LIMIT, 1: Verdict.OK}
    assert stream.killed == 0


def test_cleanup_is_not_the_runs_time(begin: Begin) -> None:
    """The time of a run ends with its ``ended`` frame; the cleanup has a limit of its own."""
    late = SHORT_SECONDS + HOST_GRACE_SECONDS + 0.3
    worker, stream = begin(
        lambda index: [(0.0, ended(index)), (late, finished(index))], wall_seconds=SHORT_SECONDS
    )
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.OK
    assert run.host_seconds < SHORT_SECONDS
    assert stream.killed == 0


def test_a_run_whose_cleanup_fails(begin: Begin) -> None:
    """The container is killed, and the submission is to blame; a second ``ended`` is a violation."""
    worker, stream = begin(lambda index: [(0.0, ended(index))], wall_seconds=SHORT_SECONDS)
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.CRASHED
    assert "cleanup after the run did not finish" in run.judgement.detail
    assert stream.killed == 1
    worker, stream = begin(lambda index: [(0.0, ended(index) + ended(index))])
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.PROTOCOL}


def test_a_container_with_leftovers_is_not_used_again(begin: Begin) -> None:
    """The run that left them keeps its verdict; no other is started there."""
    worker, stream = begin(lambda index: [(0.0, finished(index, wiped=False))])
    assert verdicts(worker.execute(planned(4))) == {0: Verdict.OK}
    assert [fields["index"] for fields in stream.sent_fields("run")] == [0]
    assert stream.killed == 1
    assert not worker.is_usable


def test_slow_caller_is_not_the_submissions_fault(begin: Begin) -> None:
    """Runs that answered in time are ``ok``, however long the host takes to store the first of them."""
    worker, stream = begin(lambda index: [(0.0, finished(index))], wall_seconds=SHORT_SECONDS)
    runs = worker.execute(planned(2))
    assert next(runs).judgement.verdict is Verdict.OK
    stream.clock.wait(SHORT_SECONDS + HOST_GRACE_SECONDS + 0.1)
    assert next(runs).judgement.verdict is Verdict.OK


STALL_SECONDS = 7.0


@pytest.mark.parametrize(
    ("end", "verdict"),
    [
        ({"ended_by": "time", "exit_code": -9, "result": "none"}, Verdict.TIME_LIMIT),
        ({"seconds": 0.03}, None),
    ],
)
def test_a_slow_engine_costs_no_verdict(begin: Begin, end: dict[str, Any], verdict: Verdict | None) -> None:
    """What it held back is delivered when it is back: over by the supervisor's clock is ``time-limit``.

    A run that was in time by that clock is attempted again, since nobody else can confirm it.
    """
    worker, stream = begin(lambda index: [(0.5, finished(index, **end))], wall_seconds=SHORT_SECONDS)
    stream.stalls_until = stream.clock() + STALL_SECONDS
    if verdict is None:
        with pytest.raises(SandboxLostError, match="delivered the end of a run too late"):
            list(worker.execute(planned(1)))
    else:
        assert verdicts(worker.execute(planned(1))) == {0: verdict}
        assert stream.killed == 0


@pytest.mark.parametrize("texts", [0, 3])
def test_an_engine_that_was_slow_is_asked_again(begin: Begin, texts: int) -> None:
    """Silence counts once it answers in time and still no end arrives: then it has held none back."""
    worker, stream = begin(lambda index: texts * [(0.0, log(index, b"text"))], wall_seconds=SHORT_SECONDS)
    stream.stalls_until = stream.clock() + STALL_SECONDS
    (run,) = worker.execute(planned(1))
    assert run.judgement.verdict is Verdict.TIME_LIMIT
    assert run.log == texts * b"text"
    assert STALL_SECONDS <= stream.clock() - 1000.0 < STALL_SECONDS + 1.5


def test_an_engine_that_stays_slow_is_nobodys_verdict(begin: Begin) -> None:
    """It is asked for a minute; then the container is out of reach, and the run is attempted again."""
    worker, stream = begin(lambda index: [(0.0, log(index, b"endless"))], wall_seconds=SHORT_SECONDS)
    stream.late_seconds = 1.5
    with pytest.raises(SandboxLostError, match="out of reach"):
        list(worker.execute(planned(1)))
    assert 60.0 < stream.clock() - 1000.0 < 70.0


def test_an_engine_that_is_always_slow_costs_nothing_while_the_container_answers(begin: Begin) -> None:
    """Only silence asks it."""
    worker, stream = begin(
        lambda index: [(0.02, finished(index, ended_by="time" if index else "result", exit_code=-9))],
        wall_seconds=SHORT_SECONDS,
    )
    stream.late_seconds = 30.0
    assert verdicts(worker.execute(planned(2))) == {0: Verdict.OK, 1: Verdict.TIME_LIMIT}
    assert stream.clock() - 1000.0 < 1.0


class Trickle:
    """A stream of one byte a millisecond, which is never silent."""

    stderr = b""

    def __init__(self, data: bytes, clock: Clock) -> None:
        self._bytes, self.clock = iter(data), clock

    def send(self, data: bytes | memoryview) -> None:
        """Ignore it."""

    def receive(self, seconds: float) -> bytes | None:
        """Return the next byte."""
        self.clock.wait(0.001)
        return next(self._bytes).to_bytes()

    def kill(self) -> None:
        """Do nothing."""

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return None."""
        return None

    def is_running(self) -> bool:
        """Return True."""
        return True

    def stood_still(self) -> bool:
        """Return False."""
        return False

    def has_reached_memory_limit(self) -> bool | None:
        """Return None."""
        return None

    def processes_ran_short(self) -> bool:
        """Return False."""
        return False

    def memory_reports(self) -> int:
        """Return 0."""
        return 0

    def cpu_seconds(self) -> float | None:
        """Return None."""
        return None

    def memory_bytes(self) -> int | None:
        """Return None."""
        return None

    def remove(self) -> None:
        """Do nothing."""


def test_trickle_does_not_stop_the_clock() -> None:
    """A frame that arrives byte by byte does not extend the time that the host waits."""
    clock = Clock()
    channel = Channel(Trickle(log(0, bytes(500)), clock), from_worker(checkpoint_bytes=0), clock=clock)
    assert channel.receive(0.1) is None
