"""Groups of ranks: contiguous, from the best of each group, and never narrower than the noise."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from runner.leaderboard.ranking import Ranks, is_told_apart, rank_groups
from scoring.statistics.halves import HalvedScore, paired_difference
from tests.runner.leaderboard.made_up import halves


def groups(scores: list[float], width: float) -> list[tuple[int, int]]:
    """Return the ranks where a difference of more than ``width`` is told apart."""
    return [
        (ranks.first, ranks.last)
        for ranks in rank_groups(scores, lambda better, worse: better - worse > width)
    ]


def test_groups_solved_by_hand() -> None:
    """9 and 8 share both ranks; 6 is told apart from 9, and 5 and 4 are not from 6; 3 is, and stands alone."""
    assert groups([9, 8, 6, 5, 4, 3], 2.0) == [(1, 2), (1, 2), (3, 5), (3, 5), (3, 5), (6, 6)]


def test_one_row_and_none() -> None:
    """A rank of its own, and nothing."""
    assert groups([1.0], 0.0) == [(1, 1)]
    assert groups([], 0.0) == []


@given(st.lists(st.floats(0, 1), max_size=60), st.floats(0, 0.5))
def test_groups_are_contiguous_and_led_by_their_best(scores: list[float], width: float) -> None:
    """Whatever the scores: ranks cover 1 to n, a group is tied with its best, and the next group is not."""
    ordered = sorted(scores, reverse=True)
    ranks = rank_groups(ordered, lambda better, worse: better - worse > width)
    assert [at for group in dict.fromkeys(ranks) for at in range(group.first, group.last + 1)] == list(
        range(1, len(ordered) + 1)
    )
    for at, group in enumerate(ranks, start=1):
        assert group.first <= at <= group.last
        best = ordered[group.first - 1]
        assert best - ordered[at - 1] <= width
        if at == group.first > 1:
            earlier = ranks[at - 2]
            assert ordered[earlier.first - 1] - ordered[at - 1] > width


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 0.05))
def test_told_apart_is_what_the_paired_interval_says(first: int, second: int, distance: float) -> None:
    """Its lower end above zero; so never in both directions, and never with itself."""
    better, worse = halves(0.2 + distance, seed=first), halves(0.2, seed=second)
    assert is_told_apart(better, worse) == (paired_difference(better, worse).low > 0)
    assert not (is_told_apart(better, worse) and is_told_apart(worse, better))
    assert not is_told_apart(better, better)


def test_without_halves_nothing_is_told_apart() -> None:
    """Nor between scores on other numbers of halvings: the noise is not known."""
    good, bad = halves(0.9), halves(0.1)
    assert is_told_apart(good, bad)
    assert not is_told_apart(None, bad)
    assert not is_told_apart(good, None)
    assert not is_told_apart(good, HalvedScore(value=0.1, halves=np.full((3, 2), 0.1)))
    assert rank_groups([None, None], is_told_apart) == [Ranks(1, 2)] * 2
