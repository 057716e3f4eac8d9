"""The time limit policy: the seconds that limits and the time of retraining result in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.challenge.limits import MAX_WALL_SECONDS, Limits
from runner.errors import ConfigurationError
from runner.time_limits.policy import MIN_WALL_SECONDS, wall_seconds


def test_a_fraction_on_a_gpu_leaves_time_for_kernels() -> None:
    """Five seconds at least; limits in seconds are the organizer's own."""
    assert wall_seconds(Limits(wall_fraction=0.2), 2.0, on_gpu=True) == 5.0
    assert wall_seconds(Limits(wall_fraction=0.2), 100.0, on_gpu=True) == pytest.approx(20.0)
    assert wall_seconds(Limits(wall_seconds=0.25), 100.0, on_gpu=True) == 0.25


def test_by_hand() -> None:
    """The contest's rule: a fifth of 100 s is 20 s."""
    assert wall_seconds(Limits(wall_fraction=0.2), 100.0) == pytest.approx(20.0)


@given(st.floats(1e-6, 100.0), st.floats(1e-6, 1e7))
def test_within_floor_and_ceiling_and_otherwise_the_product(fraction: float, retrain: float) -> None:
    """The result is the fraction unless that is too little or too much, and is valid in `Limits`."""
    seconds = wall_seconds(Limits(wall_fraction=fraction), retrain)
    assert seconds == min(MAX_WALL_SECONDS, max(MIN_WALL_SECONDS, fraction * retrain))
    assert Limits(wall_seconds=seconds).wall_seconds == seconds


@given(st.one_of(st.none(), st.floats()))
def test_seconds_stay_whatever_was_measured(retrain: float | None) -> None:
    """Limits in seconds do not depend on the machine."""
    assert wall_seconds(Limits(wall_seconds=0.25), retrain) == 0.25


@pytest.mark.parametrize("retrain", [None, 0.0, -1.0, math.inf, math.nan])
def test_a_fraction_of_nothing_is_an_error(retrain: float | None) -> None:
    """A fraction without a measured retrain time never becomes a default."""
    with pytest.raises(ConfigurationError, match="not measured"):
        wall_seconds(Limits(wall_fraction=0.2), retrain)
    with pytest.raises(ConfigurationError, match="not measured"):
        wall_seconds(Limits(wall_fraction=0.2))
