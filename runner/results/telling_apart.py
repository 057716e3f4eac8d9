"""How many runs it takes to tell two scores apart, from the intervals that they have now.

The width of an interval shrinks with the square root of the runs, so this is an estimate. Scores of different
numbers of runs cannot be compared: both evaluations need the number that is returned.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from runner.results.summary import Summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The score that a known method has on the same challenge, with as many runs."""

    name: str
    score: float
    runs_to_tell_apart: int | None
    """How many runs it takes to tell the two scores apart, at least as many as there were; None if they are
    equal, or if one of them has no interval."""


def compared_with(summary: Summary, baseline: Summary) -> Baseline | None:
    """Return the baseline of a submission that was scored; None without two scores of as many runs.

    Args:
        summary: Of the submission.
        baseline: Of the known method.
    """
    if summary.score is None or baseline.score is None or summary.n != baseline.n:
        return None
    return Baseline(
        name=baseline.submission,
        score=baseline.score,
        runs_to_tell_apart=_runs_to_tell_apart(summary, baseline),
    )


def _runs_to_tell_apart(first: Summary, second: Summary) -> int | None:
    halves = [_half_width(summary) for summary in (first, second)]
    assert first.score is not None
    assert second.score is not None
    difference = abs(first.score - second.score)
    if difference == 0.0 or None in halves:
        return None
    variance = sum(half**2 for half in halves if half is not None)
    return max(first.n, math.ceil(round(first.n * variance / difference**2, 6)))


def _half_width(summary: Summary) -> float | None:
    if summary.score_low is None or summary.score_high is None:
        return None
    return (summary.score_high - summary.score_low) / 2
