"""Snapshots of a training are written neither too rarely nor too often."""

from __future__ import annotations

from sandbox.trainer.snapshot_timer import SnapshotTimer
from tests.support.clock import Clock


def test_first_snapshot_is_due_after_the_interval() -> None:
    """The first snapshot is due after the given seconds, and not before."""
    clock = Clock()
    timer = SnapshotTimer(60, clock)
    clock.wait(59.9)
    assert not timer.is_due()
    clock.wait(0.1)
    assert timer.is_due()


def test_quick_snapshots_are_written_at_the_interval() -> None:
    """The interval counts from the end of the last snapshot."""
    clock = Clock()
    timer = SnapshotTimer(60, clock)
    clock.wait(100)
    timer.write(lambda: clock.wait(1))
    clock.wait(59)
    assert not timer.is_due()
    clock.wait(1)
    assert timer.is_due()


def test_slow_snapshots_are_written_less_often() -> None:
    """Writing takes no more than a fiftieth of the time."""
    clock = Clock()
    timer = SnapshotTimer(60, clock)
    timer.write(lambda: clock.wait(10))
    clock.wait(499)
    assert not timer.is_due()
    clock.wait(1)
    assert timer.is_due()
