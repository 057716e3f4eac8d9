"""Are equals tied and unequals ranked, with the error rates that are claimed?"""

import math

import numpy as np
import pytest

from scoring.statistics.ranking import holm, rank_by_halves
from scoring.statistics.student import two_sided_p, two_sided_quantile


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    # Tables of Student's distribution, two-sided 95 %.
    [(1, 12.7062), (2, 4.3027), (3, 3.1824), (5, 2.5706), (8, 2.3060), (10, 2.2281), (1000, 1.9623)],
)
def test_quantiles_are_the_tabled_ones(degrees, quantile):
    """To the four digits of a table, for even and odd degrees."""
    assert two_sided_quantile(0.95, degrees) == pytest.approx(quantile, abs=6e-5)
    assert two_sided_p(quantile, degrees) == pytest.approx(0.05, abs=1e-5)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 8])
def test_p_is_the_integral_of_the_density(degrees):
    """The finite sum equals what the density integrates to."""
    grid = np.linspace(0, 2.5, 20_001)
    constant = math.gamma((degrees + 1) / 2) / math.gamma(degrees / 2) / math.sqrt(degrees * math.pi)
    density = constant * (1 + grid**2 / degrees) ** (-(degrees + 1) / 2)
    inside = 2 * np.trapezoid(density, grid)
    assert two_sided_p(2.5, degrees) == pytest.approx(1 - inside, abs=1e-8)


def test_p_at_the_ends():
    """Zero is likely, infinity is not, and the sign does not matter."""
    assert two_sided_p(0, 5) == 1
    assert two_sided_p(math.inf, 5) == pytest.approx(0, abs=1e-15)
    assert two_sided_p(-2, 5) == two_sided_p(2, 5)


@pytest.mark.parametrize(("t", "degrees", "message"), [(math.nan, 2, "NaN"), (1, 0, "1 or more")])
def test_impossible_t_values_are_refused(t, degrees, message):
    """NaN and zero degrees have no probability."""
    with pytest.raises(ValueError, match=message):
        two_sided_p(t, degrees)
    with pytest.raises(ValueError, match="strictly between"):
        two_sided_quantile(1, 2)


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
    found = rank_by_halves(np.array([0.5, 0.2]), halves_with([1.0, -1.0]), level=0.95)
    reach = 4.30265 * math.sqrt(0.5)
    assert found.difference[0, 1] == pytest.approx(0.3)
    assert found.difference_low[0, 1] == pytest.approx(0.3 - reach, abs=1e-4)
    assert found.difference_high[0, 1] == pytest.approx(0.3 + reach, abs=1e-4)
    assert found.low[0] == pytest.approx(0.5 - reach, abs=1e-4)
    assert found.high[1] == 0.2
    assert found.p[0, 1] == pytest.approx(two_sided_p(0.3 / math.sqrt(0.5), 2))
    assert found.rank.tolist() == [1, 1]


def test_common_noise_cancels():
    """What moves both submissions alike is no noise of their difference."""
    rng = np.random.default_rng(0)
    halves = np.repeat(rng.normal(size=(8, 2, 1)), 2, axis=2) + 1e-3 * rng.normal(size=(8, 2, 2))
    found = rank_by_halves(np.array([0.5, 0.6]), halves, level=0.95)
    assert found.rank.tolist() == [2, 1]
    assert found.low[1] < found.value[0]


def test_without_noise_equal_is_tied_and_unequal_differs():
    """Copies are tied with p = 1, and any difference without an error counts."""
    found = rank_by_halves(np.array([0.5, 0.5, 0.4]), np.zeros((3, 2, 3)), level=0.95)
    assert found.rank.tolist() == [1, 1, 3]
    assert found.p[0, 1] == 1
    assert found.p[0, 2] == 0


def test_ranks_count_who_is_better():
    """Of three, the middle one may be tied with both ends while the ends differ: ranks 1, 1, 2."""
    halves = np.zeros((8, 2, 3))
    halves[:, 0] = [0, 10, 0]
    found = rank_by_halves(np.array([20.0, 10.0, 0.0]), halves, level=0.95)
    assert found.rank.tolist() == [1, 1, 2]
    np.testing.assert_allclose(found.difference, -found.difference.T)
    np.testing.assert_array_equal(found.p, found.p.T)
    np.testing.assert_allclose(found.difference_low, -found.difference_high.T)


def test_one_submission_ranks_first():
    """Alone, it has rank 1, an interval and nobody to differ from."""
    found = rank_by_halves(np.array([0.5]), np.ones((2, 2, 1)), level=0.95)
    assert found.rank.tolist() == [1]
    assert found.p.tolist() == [[1]]


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
        # A figure whose noise at half size is that at full size: the halves' own, drawn anew.
        value = rng.normal(size=5)
        found = rank_by_halves(value, rng.normal(size=(8, 2, 5)), level=0.95)
        split += bool((found.rank > 1).any())
    assert split / 400 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_smooth_figures_are_judged_cautiously():
    """A mean's noise does shrink, so equal means are tied in more than 95 %: nearly always."""
    rng = np.random.default_rng(2)
    tied = 0
    for _ in range(300):
        samples = rng.normal(size=(64, 2))
        found = rank_by_halves(samples.mean(axis=0), means_of_halves(samples, rng), level=0.95)
        tied += found.rank.max() == 1
    assert tied / 300 >= 0.96
