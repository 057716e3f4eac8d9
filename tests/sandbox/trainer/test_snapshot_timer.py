"""Is a training written down neither too seldom nor too often?"""

from __future__ import annotations

from sandbox.trainer.pace import Pace


class Clock:
    """A time that passes as it is told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def pass_by(self, seconds: float) -> None:
        self.now += seconds


def test_the_first_is_due_after_the_seconds() -> None:
    """And not before."""
    clock = Clock()
    pace = Pace(60, clock)
    clock.pass_by(59.9)
    assert not pace.is_due()
    clock.pass_by(0.1)
    assert pace.is_due()


def test_what_is_quickly_written_is_written_at_that_pace() -> None:
    """Counted from the end of the last writing."""
    clock = Clock()
    pace = Pace(60, clock)
    clock.pass_by(100)
    pace.write(lambda: clock.pass_by(1))
    clock.pass_by(59)
    assert not pace.is_due()
    clock.pass_by(1)
    assert pace.is_due()


def test_what_is_slowly_written_is_written_less_often() -> None:
    """Writing takes no more than a fiftieth of the time."""
    clock = Clock()
    pace = Pace(60, clock)
    pace.write(lambda: clock.pass_by(10))
    clock.pass_by(499)
    assert not pace.is_due()
    clock.pass_by(1)
    assert pace.is_due()
