"""Limits of a run: their ranges, and one time limit in either of two forms."""

from __future__ import annotations

import math

import pytest
from pydantic import ValidationError

from runner.challenge.limits import MAX_WALL_SECONDS, Limits


def test_seconds_and_fraction_exclude_each_other() -> None:
    """Both together are refused with a sentence that says what to do; either alone, or neither, is valid."""
    with pytest.raises(ValidationError, match="either wall_seconds or wall_fraction, and not both"):
        Limits(wall_seconds=1.0, wall_fraction=0.2)
    assert Limits(wall_fraction=0.2).wall_seconds is None
    assert Limits(wall_seconds=3.0).wall_fraction is None
    assert Limits() == Limits(wall_seconds=60.0)


@pytest.mark.parametrize("fraction", [0.0, -0.2, math.inf, math.nan, 101.0, "0.2", True])
def test_a_fraction_is_a_positive_number(fraction: object) -> None:
    """0 does not mean unlimited, and text and truth values are no numbers."""
    with pytest.raises(ValidationError):
        Limits.model_validate({"wall_fraction": fraction})


def test_the_time_limit_has_a_maximum() -> None:
    """A longer time is refused, for no socket can wait so long."""
    assert Limits(wall_seconds=MAX_WALL_SECONDS).wall_seconds == MAX_WALL_SECONDS
    with pytest.raises(ValidationError, match="less than or equal to 1000000"):
        Limits(wall_seconds=1e300)


@pytest.mark.parametrize("total", [0.0, -1.0, math.inf, math.nan])
def test_a_total_is_positive_and_finite(total: float) -> None:
    """0 and infinity do not mean unlimited; only leaving the field out does."""
    with pytest.raises(ValidationError):
        Limits(total_seconds=total)
    assert Limits().total_seconds is None


def test_a_new_time_limit_replaces_either_form() -> None:
    """Seconds replace a fraction and the reverse; all other limits stay as they were."""
    fraction = Limits(wall_fraction=0.5, memory_bytes=1 << 30, total_seconds=9.0, processes=7)
    seconds = Limits(wall_seconds=5.0, memory_bytes=1 << 30, total_seconds=9.0, processes=7)
    assert fraction.with_changes(wall_seconds=5.0) == seconds
    assert seconds.with_changes(wall_fraction=0.5) == fraction
    assert seconds.with_changes(**fraction.model_dump()) == fraction
    assert fraction.with_changes(processes=8).wall_fraction == 0.5


def test_changes_are_checked() -> None:
    """A change is validated as limits in a file are: range, name, and one time limit only."""
    for changes in ({"processes": 0}, {"proceses": 1}, {"wall_seconds": 1.0, "wall_fraction": 0.2}):
        with pytest.raises(ValidationError):
            Limits().with_changes(**changes)


@pytest.mark.parametrize("size", [0, 1023, (100 << 20) + 1, 2048.0, True])
def test_a_limit_of_submissions_is_from_1_kib_to_100_mib(size: object) -> None:
    """Left out, challenges have that of all submissions."""
    with pytest.raises(ValidationError):
        Limits.model_validate({"submission_bytes": size})
    assert Limits().submission_bytes is None


@pytest.mark.parametrize(
    ("checkpoint_bytes", "expected"),
    [(0, 256 << 10), (512 << 10, 256 << 10), (1 << 20, 512 << 10), (1 << 30, 100 << 20)],
)
def test_submissions_may_have_half_a_checkpoint(checkpoint_bytes: int, expected: int) -> None:
    """At least 256 KiB, and at most what any submission may have; a stated limit stays as it is."""
    limits = Limits(wall_fraction=0.2)
    assert limits.with_default_submission_bytes(checkpoint_bytes) == limits.with_changes(
        submission_bytes=expected
    )
    stated = Limits(submission_bytes=1024)
    assert stated.with_default_submission_bytes(checkpoint_bytes) == stated


@pytest.mark.parametrize(("epochs", "fraction"), [(1, 0.65), (12, 0.65), (29, 0.65), (30, 0.2), (200, 0.2)])
def test_a_run_may_take_a_fifth_of_a_long_training(epochs: int, fraction: float) -> None:
    """Of a short one more, because a few epochs are a large part of it; a stated fraction stays as it is."""
    assert Limits().with_default_retraining_fraction(epochs) == Limits(retraining_fraction=fraction)
    stated = Limits(retraining_fraction=0.3)
    assert stated.with_default_retraining_fraction(epochs) == stated


@pytest.mark.parametrize("fraction", [0.0, -0.2, 101.0, float("inf"), float("nan"), "0.2"])
def test_a_fraction_of_retraining_is_above_zero(fraction: object) -> None:
    """Left out, as in earlier versions, it is none."""
    with pytest.raises(ValidationError):
        Limits.model_validate({"retraining_fraction": fraction})
    assert Limits().retraining_fraction is None
