"""Ranks: equals are tied and unequals ranked, with the claimed error rates."""

import math

import numpy as np
import pytest

from scoring.statistics.interval import two_sided_p
from scoring.statistics.ranking import holm, rank_by_halves


def test_holm_by_hand():
    """0.01, 0.04, 0.03 become 0.03, 0.06, 0.06: times 3, 2 and 1, never falling."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03])), [0.03, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1, 1]
    assert holm(np.array([])).size == 0


def halves_with(gaps):
    """Return halves of two submissions whose difference has these gaps from half to half."""
    halves = np.zeros((len(gaps), 2, 2))
    halves[:, 0, 0] = gaps
    return halves


def test_interval_by_hand():
    """Gaps of 1 and -1 have half a mean square of 1/2: 0.3 off by t(2) * sqrt(1/2) is noise."""
    result = rank_by_halves(np.array([0.5, 0.2]), halves_with([1.0, -1.0]), level=0.95)
    reach = 4.30265 * math.sqrt(0.5)
    assert result.difference[0, 1] == pytest.approx(0.3)
    assert result.difference_low[0, 1] == pytest.approx(0.3 - reach, abs=1e-4)
    assert result.difference_high[0, 1] == pytest.approx(0.3 + reach, abs=1e-4)
    assert result.low[0] == pytest.approx(0.5 - reach, abs=1e-4)
    assert result.high[1] == 0.2
    assert result.p[0, 1] == pytest.approx(two_sided_p(2, 0.3 / math.sqrt(0.5)))
    assert result.rank.tolist() == [1, 1]


def test_common_noise_cancels():
    """Noise common to both submissions does not count for their difference."""
    rng = np.random.default_rng(0)
    halves = np.repeat(rng.normal(size=(8, 2, 1)), 2, axis=2) + 1e-3 * rng.normal(size=(8, 2, 2))
    result = rank_by_halves(np.array([0.5, 0.6]), halves, level=0.95)
    assert result.rank.tolist() == [2, 1]
    assert result.low[1] < result.value[0]


def test_without_noise_equal_is_tied_and_unequal_differs():
    """Copies are tied with p = 1, and any difference without an error counts."""
    result = rank_by_halves(np.array([0.5, 0.5, 0.4]), np.zeros((3, 2, 3)), level=0.95)
    assert result.rank.tolist() == [1, 1, 3]
    assert result.p[0, 1] == 1
    assert result.p[0, 2] == 0


def test_ranks_count_who_is_better():
    """Of three, the middle one may be tied with both ends while the ends differ: ranks 1, 1, 2."""
    halves = np.zeros((8, 2, 3))
    halves[:, 0] = [0, 10, 0]
    result = rank_by_halves(np.array([20.0, 10.0, 0.0]), halves, level=0.95)
    assert result.rank.tolist() == [1, 1, 2]
    np.testing.assert_allclose(result.difference, -result.difference.T)
    np.testing.assert_array_equal(result.p, result.p.T)
    np.testing.assert_allclose(result.difference_low, -result.difference_high.T)


def test_one_submission_ranks_first():
    """A single submission has rank 1, an interval and no pair."""
    result = rank_by_halves(np.array([0.5]), np.ones((2, 2, 1)), level=0.95)
    assert result.rank.tolist() == [1]
    assert result.p.tolist() == [[1]]


def means_of_halves(samples, rng, halvings=8):
    """Return halves [halvings, 2, submissions] whose figure is the mean of a sample."""
    n = samples.shape[0]
    return np.array(
        [
            [samples[part].mean(axis=0) for part in np.array_split(rng.permutation(n), 2)]
            for _ in range(halvings)
        ]
    )


def test_family_of_equals_is_rarely_split():
    """Five equals whose noise does not shrink with n are all tied in 95 % of 400 trials."""
    rng = np.random.default_rng(1)
    split = 0
    for _ in range(400):
        # A figure whose noise at half size is that at full size: the halves' own, drawn independently.
        value = rng.normal(size=5)
        result = rank_by_halves(value, rng.normal(size=(8, 2, 5)), level=0.95)
        split += bool((result.rank > 1).any())
    assert split / 400 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_smooth_figures_are_judged_cautiously():
    """The noise of a mean shrinks with n, so equal means are tied in more than 95 %: nearly always."""
    rng = np.random.default_rng(2)
    tied = 0
    for _ in range(300):
        samples = rng.normal(size=(64, 2))
        result = rank_by_halves(samples.mean(axis=0), means_of_halves(samples, rng), level=0.95)
        tied += result.rank.max() == 1
    assert tied / 300 >= 0.96
