"""That a container stood still is believed if this side saw it use no processor time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runner.clients.stillness_watch import StillnessWatch
from runner.errors import SandboxLostError
from runner.verdict import Verdict
from sandbox.protocol.frames import Scalar
from tests.support.worker_frames import Begin, finished, planned, verdicts

REPORTED: dict[str, Scalar] = {
    "started": True,
    "frozen_seconds": 8.0,
    "oom_events": 0,
    "ended_by": "time",
    "result": "none",
}


@pytest.mark.parametrize(
    ("used", "looks", "confirmed"),
    [
        (lambda now: 0.05 * now, range(60), 0.0),
        (lambda now: now, range(60), 0.0),
        (lambda now: min(now, 10.0) + max(0.0, now - 18.0), range(60), 8.0),
        (lambda now: min(now, 10.0) + max(0.0, now - 18.0), (*range(11), *range(18, 60)), 8.0),
        (lambda _now: None, range(60), 8.0),
    ],
    ids=["starved on a busy host", "busy", "paused", "the whole machine stood still", "unknown"],
)
def test_what_is_confirmed(
    used: Callable[[float], float | None], looks: range | tuple[int, ...], confirmed: float
) -> None:
    now = 0.0
    watch = StillnessWatch(lambda: used(now))
    watch.start(now)
    for moment in looks:
        now = float(moment)
        watch.look(now)
    assert watch.confirmed(8.0) == confirmed


def test_a_flood_of_frames_puts_no_look_off() -> None:
    """A look is due by the time alone."""
    seen: list[float] = []
    now = 0.0
    watch = StillnessWatch(lambda: seen.append(now) or now)  # type: ignore[func-returns-value]
    watch.start(now)
    for step in range(100):
        now = step / 100
        watch.look(now)
    assert len(seen) == 2


def test_a_run_that_keeps_the_janitor_from_its_turn_is_late(begin: Begin) -> None:
    """The container reports a standstill, and this side saw it work: the verdict is the run's."""
    worker, stream = begin(lambda index: [(12.0, finished(index, b"", **REPORTED))], wall_seconds=12.0)
    stream.processor = [0.1 * look for look in range(100)]
    assert verdicts(worker.execute(planned(1))) == {0: Verdict.TIME_LIMIT}


def test_a_container_that_was_paused_is_the_hosts(begin: Begin) -> None:
    worker, stream = begin(lambda index: [(12.0, finished(index, b"", **REPORTED))], wall_seconds=12.0)
    stream.processor = [1.0]
    with pytest.raises(SandboxLostError, match="stood still"):
        list(worker.execute(planned(1)))
