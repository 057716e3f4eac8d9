"""Is a training written down neither too seldom nor too often?"""

from __future__ import annotations

from sandbox.trainer.pace import Pace
from tests.support.clock import Clock


def test_the_first_is_due_after_the_seconds() -> None:
    """And not before."""
    clock = Clock()
    pace = Pace(60, clock)
    clock.wait(59.9)
    assert not pace.is_due()
    clock.wait(0.1)
    assert pace.is_due()


def test_what_is_quickly_written_is_written_at_that_pace() -> None:
    """Counted from the end of the last writing."""
    clock = Clock()
    pace = Pace(60, clock)
    clock.wait(100)
    pace.write(lambda: clock.wait(1))
    clock.wait(59)
    assert not pace.is_due()
    clock.wait(1)
    assert pace.is_due()


def test_what_is_slowly_written_is_written_less_often() -> None:
    """Writing takes no more than a fiftieth of the time."""
    clock = Clock()
    pace = Pace(60, clock)
    pace.write(lambda: clock.wait(10))
    clock.wait(499)
    assert not pace.is_due()
    clock.wait(1)
    assert pace.is_due()
