"""How long the runs of a node that dies can be without a device: the sum, and what a pool does of it."""

from __future__ import annotations

import pytest

from runner.cluster.decisions.timing import (
    BEAT_SECONDS,
    FAILED_CALL_SECONDS,
    LEASE_SECONDS,
    POLL_SECONDS,
    cut_off_seconds,
    pickup_seconds,
)

DEMANDED_SECONDS = 30.0
COMFORTABLE_SECONDS = 20.0


def test_the_sum_of_all_waits_is_far_below_what_is_demanded() -> None:
    """Two beats, a call that fails, and a look of the executor."""
    assert pickup_seconds() == BEAT_SECONDS + FAILED_CALL_SECONDS + BEAT_SECONDS + POLL_SECONDS
    assert pickup_seconds() < COMFORTABLE_SECONDS < DEMANDED_SECONDS


def test_a_machine_that_is_cut_off_has_its_lease() -> None:
    """And what it takes to see that it has ended."""
    assert LEASE_SECONDS < cut_off_seconds() < LEASE_SECONDS + 3 * BEAT_SECONDS


@pytest.mark.parametrize("failed_call", [0.0, 0.3, 1.9, 2.0, 2.1, 5.0, 6.0])
@pytest.mark.parametrize("died_at", [0.0, 0.1, 0.9, 1.0, 1.7])
def test_the_sum_bounds_every_course_of_events(died_at: float, failed_call: float) -> None:
    """Beats and looks are played through, whenever the node dies and however late its call fails."""
    beats = [k * BEAT_SECONDS for k in range(20)]
    asked_at = next(beat for beat in beats if beat > died_at)  # the answer of before is seen, and it is asked
    seen_at = next(beat for beat in beats if beat > asked_at and beat >= asked_at + failed_call)
    looks = [0.05 + k * POLL_SECONDS for k in range(1000)]
    waiting_at = next(look for look in looks if look >= seen_at)
    assert waiting_at - died_at <= pickup_seconds(failed_call=failed_call)
