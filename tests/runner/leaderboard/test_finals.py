"""Noise of finals: combined results on halves, shared ranks, paired differences; solved by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from runner.competition.final import FinalResult, standings
from runner.leaderboard.finals import combined_on_halves, rank_noise
from scoring.statistics.halves import HalvedScore


def halved(value: float, *gaps: float) -> HalvedScore:
    """Return a value whose halves differ so much in each halving."""
    return HalvedScore(value=value, halves=np.array([[value + gap / 2, value - gap / 2] for gap in gaps]))


def test_a_mean_is_weighted_like_the_values() -> None:
    """On all models as `standings` has it, and half by half."""
    rows = [
        [halved(1.0, 0.4, 0.0), halved(0.0, 0.0, 0.8)],
        [halved(0.5, 0.0, 0.0), halved(0.6, 0.2, 0.2)],
    ]
    combined = combined_on_halves(rows, combine="mean", weights=[3, 1], higher_is_better=True)
    assert [each.value for each in combined] == pytest.approx([0.75, 0.525])
    gaps = [each.halves[:, 0] - each.halves[:, 1] for each in combined]
    np.testing.assert_allclose(gaps, [[0.3, 0.2], [0.05, 0.05]], atol=1e-12)


@pytest.mark.parametrize("higher_is_better", [True, False])
@pytest.mark.parametrize("combine", ["mean", "mean-rank"])
def test_the_whole_is_what_standings_say(combine: str, higher_is_better: bool) -> None:
    """Ties included: equal values share the mean of their ranks."""
    values = {1: (1.0, 0.0), 2: (0.5, 0.6), 3: (0.5, 0.25)}
    rule: dict[str, Any] = {"combine": combine, "weights": None, "higher_is_better": higher_is_better}
    expected = {
        each.entry: each.combined
        for each in standings(
            [FinalResult(entry=number, team=str(number), values=row) for number, row in values.items()],
            **rule,
        )
    }
    rows = [[halved(value, 0.1, 0.2) for value in row] for row in values.values()]
    combined = combined_on_halves(rows, **rule)
    assert [each.value for each in combined] == pytest.approx([expected[number] for number in values])
    assert combined_on_halves([], **rule) == []


def test_ranks_are_shared_within_the_noise() -> None:
    """Student's t with 2 degrees is 4.303: half the mean square of the gaps is the variance of a difference."""
    first, near, far = halved(1.0, 0.1, -0.1), halved(0.9, 0.0, 0.0), halved(0.2, 0.0, 0.0)
    noise = rank_noise([first, near, far], lower_is_better=False)
    assert [tuple(each.ranks) for each in noise] == [(1, 2), (1, 2), (3, 3)]
    assert noise[0].behind is None
    behind = noise[1].behind
    assert behind is not None
    reach = 4.302653 * np.sqrt(0.01 / 2)
    assert (behind.low, behind.high) == pytest.approx((0.1 - reach, 0.1 + reach), rel=1e-5)
    interval = noise[0].interval
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((1 - reach, 1 + reach), rel=1e-5)


def test_of_a_metric_where_less_is_better_the_order_is_turned() -> None:
    """Differences stay positive: how much worse an entry is."""
    noise = rank_noise([halved(0.1, 0.0, 0.0), halved(0.4, 0.0, 0.0)], lower_is_better=True)
    assert [tuple(each.ranks) for each in noise] == [(1, 1), (2, 2)]
    assert noise[1].behind is not None
    assert noise[1].behind.estimate == pytest.approx(0.3)
    assert noise[1].interval is not None
    assert noise[1].interval.estimate == 0.4


def test_without_halves_nothing_is_told_apart() -> None:
    """Neither from the one above nor from the one below."""
    noise = rank_noise([halved(1.0, 0.0, 0.0), None, halved(0.2, 0.0, 0.0)], lower_is_better=False)
    assert [tuple(each.ranks) for each in noise] == [(1, 2), (1, 2), (3, 3)]
    assert (noise[1].interval, noise[1].behind) == (None, None)
    assert rank_noise([], lower_is_better=False) == []
