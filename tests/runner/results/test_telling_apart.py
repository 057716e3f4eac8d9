"""How many runs it takes to tell a score from that of a known method."""

from __future__ import annotations

import pytest

from runner.results.summary import Summary
from runner.results.telling_apart import compared_with
from tests.support.records import summary_of


def scored(score: float | None, half: float | None = 0.01, n: int = 64) -> Summary:
    low, high = (None, None) if score is None or half is None else (score - half, score + half)
    return summary_of(n=n, score=score, score_low=low, score_high=high, verdicts={"ok": n})


@pytest.mark.parametrize(
    ("score", "baseline", "runs"),
    [
        (scored(0.10), scored(0.02), 64),  # far beyond the noise: as many as there were
        (scored(0.10), scored(0.09), 128),  # two equal intervals, apart by half of one
        (scored(0.10), scored(0.095), 512),  # half the difference takes four times the runs
        (scored(0.02), scored(0.03, half=0.0), 64),
        (scored(0.10, half=0.03), scored(0.09, half=0.04), 1600),
        (scored(0.10), scored(0.10), None),
        (scored(0.10, half=None), scored(0.09), None),
        (scored(0.10), scored(0.09, half=None), None),
    ],
)
def test_runs_grow_with_the_square_of_the_noise(score: Summary, baseline: Summary, runs: int | None) -> None:
    """And shrink with the square of the difference."""
    known = compared_with(score, baseline)
    assert known is not None
    assert known.score == baseline.score
    assert known.runs_to_tell_apart == (pytest.approx(runs, abs=1) if runs is not None else None)


@pytest.mark.parametrize(
    ("score", "baseline"),
    [(scored(None), scored(0.1)), (scored(0.1), scored(None)), (scored(0.1), scored(0.1, n=128))],
)
def test_what_cannot_be_compared_is_not(score: Summary, baseline: Summary) -> None:
    """Without two scores, or with different numbers of runs."""
    assert compared_with(score, baseline) is None
