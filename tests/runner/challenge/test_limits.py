"""Is the time of a run said once, and does a fraction of retraining become the right seconds?"""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runner.challenge.limits import MAX_WALL_SECONDS, MIN_WALL_SECONDS, Limits, effective
from runner.errors import ConfigurationError


def test_seconds_and_fraction_exclude_each_other() -> None:
    """Two that are given are refused in words that say what to do; one, or none, is fine."""
    with pytest.raises(ValidationError, match="either wall_seconds or wall_fraction, and not both"):
        Limits(wall_seconds=1.0, wall_fraction=0.2)
    assert Limits(wall_fraction=0.2).wall_seconds is None
    assert Limits(wall_seconds=3.0).wall_fraction is None
    assert Limits() == Limits(wall_seconds=60.0)


@pytest.mark.parametrize("fraction", [0.0, -0.2, math.inf, math.nan, 101.0, "0.2", True])
def test_a_fraction_is_a_positive_number(fraction: object) -> None:
    """And nothing else: 0 does not mean unlimited."""
    with pytest.raises(ValidationError):
        Limits.model_validate({"wall_fraction": fraction})


def test_a_run_ends_within_what_can_be_waited_for() -> None:
    """A longer time is refused, before a socket is asked to wait so long."""
    assert Limits(wall_seconds=MAX_WALL_SECONDS).in_force() == MAX_WALL_SECONDS
    with pytest.raises(ValidationError, match="less than or equal to 1000000"):
        Limits(wall_seconds=1e300)


@pytest.mark.parametrize("total", [0.0, -1.0, math.inf, math.nan])
def test_a_total_is_a_time_or_is_not_given(total: float) -> None:
    """0 and infinity do not mean unlimited; leaving it out does."""
    with pytest.raises(ValidationError):
        Limits(total_seconds=total)
    assert Limits().total_seconds is None


def test_by_hand() -> None:
    """The contest's rule: a fifth of 100 s is 20 s."""
    found = effective(Limits(wall_fraction=0.2), 100.0)
    assert found.wall_seconds == pytest.approx(20.0)
    assert found.wall_fraction is None


@given(st.floats(1e-6, 100.0), st.floats(1e-6, 1e7))
def test_within_floor_and_ceiling_and_otherwise_the_product(fraction: float, retrain: float) -> None:
    """The result is in force, is the fraction unless that is too little or too much, and fits a `Limits`."""
    found = effective(Limits(wall_fraction=fraction), retrain)
    assert found.in_force() == min(MAX_WALL_SECONDS, max(MIN_WALL_SECONDS, fraction * retrain))
    assert Limits.model_validate(found.model_dump()) == found


@given(st.one_of(st.none(), st.floats()))
def test_seconds_stay_whatever_was_timed(retrain: float | None) -> None:
    """Limits in seconds do not depend on the machine, and nothing else of limits ever does."""
    absolute = Limits(wall_seconds=0.25, cpus=3.0)
    assert effective(absolute, retrain) == absolute


def test_only_the_time_changes() -> None:
    """Everything else of the limits is as it was."""
    asked = Limits(wall_fraction=0.5, memory_bytes=1 << 30, total_seconds=9.0, processes=7)
    assert effective(asked, 10.0) == asked.model_copy(update={"wall_seconds": 5.0, "wall_fraction": None})


@pytest.mark.parametrize("retrain", [None, 0.0, -1.0, math.inf, math.nan])
def test_a_fraction_of_nothing_is_an_error(retrain: float | None) -> None:
    """A fraction without a time that was measured is never some default."""
    with pytest.raises(ConfigurationError, match="not measured"):
        effective(Limits(wall_fraction=0.2), retrain)
    with pytest.raises(ConfigurationError, match="not measured"):
        Limits(wall_fraction=0.2).in_force()
