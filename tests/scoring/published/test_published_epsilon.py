"""Published epsilon and F: cases solved by hand, known means, and the edges."""

import math

import numpy as np
import pytest

from scoring import epsilon_of_rules, forgetting_quality, published_epsilon

DELTA = 1e-5


def epsilon_of(unlearned, retrained):
    """Return the epsilon of one example from two flat samples."""
    column = (np.asarray(sample, dtype=float)[:, np.newaxis] for sample in (unlearned, retrained))
    (value,) = published_epsilon(*column)
    return float(value)


def test_one_error_in_four_on_each_side():
    """FPR = FNR = 1/4 gives log(0.75 - delta) - log(0.25), the most that four models can show."""
    expected = math.log(0.75 - DELTA) - math.log(0.25)
    assert epsilon_of([0.5, 1, 2, 11.5], [0, 10, 11, 12]) == pytest.approx(expected, abs=1e-12)


def test_two_interleaved_models_show_nothing():
    """With samples {0, 1} and {0.5, 1.5} every surviving rule has rates 1/2: epsilon 0."""
    assert epsilon_of([0, 1], [0.5, 1.5]) == 0


def test_tie_of_medians_makes_the_unlearned_positive():
    """Of two samples with median 0, single thresholds expect the unlearned above, only that."""
    spread, low = [-30, -20, 20, 20], [-20, 0, 0, 0]
    assert epsilon_of(spread, low) == 0
    expected = math.log(0.5 - DELTA) - math.log(0.25)
    assert epsilon_of(low, spread) == pytest.approx(expected, abs=1e-12)


def test_separated_samples_reach_the_cap():
    """A rule that never errs is infinite, and the cap makes it 50."""
    assert epsilon_of([0, 0.3, 1], [2, 2.5, 3]) == 50


def test_enclosed_sample_reaches_the_cap():
    """A sample between the halves of the other is separated by two thresholds only."""
    assert epsilon_of([-0.5, 0, 0.2, 0.5], [-3, -2.5, 3, 2.5]) == 50


def test_peaky_rule_starts_below_one_percent():
    """A range of 0.99 % gives 50 for overlapping samples; one of 1.01 % is attacked."""
    wide = np.linspace(0, 1, 11)
    assert epsilon_of(np.linspace(0.5, 0.5099, 11), wide) == 50
    assert epsilon_of(np.linspace(0.5, 0.5101, 11), wide) < 50


def test_constant_beside_varying_is_peaky():
    """A constant sample and a varying one have epsilon 50, on either side."""
    assert epsilon_of([1, 1, 1], [0, 1, 2]) == 50
    assert epsilon_of([0, 1, 2], [1, 1, 1]) == 50


def test_equal_constants_show_nothing():
    """Two constant samples of one value give 0, where the published code divides 0 by 0."""
    assert epsilon_of([103.6, 103.6], [103.6, 103.6, 103.6]) == 0


@pytest.mark.parametrize("gap", [1e-9, 1e-3, 0.5, 200])
def test_different_constants_are_separated(gap):
    """Two constant samples of different values give 50, however small the gap."""
    assert epsilon_of([1, 1], [1 + gap, 1 + gap]) == 50
    assert epsilon_of([1 + gap, 1 + gap], [1, 1]) == 50


def test_grid_stepping_over_disjoint_samples():
    """Where no rule survives, samples that do not overlap have epsilon 50."""
    tiny = 1e-6 * np.arange(3)
    assert epsilon_of(tiny, tiny + 1e-5) == 50


def test_grid_stepping_over_overlapping_samples():
    """Where no rule survives and the samples overlap, epsilon is 0."""
    tiny = 1e-6 * np.arange(3)
    assert epsilon_of(tiny, tiny + 1.5e-6) == 0


def test_original_left_unchanged_scores_nothing():
    """A submission that returns the same constant model n times earns no point."""
    rng = np.random.default_rng(0)
    original = np.tile(rng.normal(5, 1, size=6), (16, 1))
    epsilon = published_epsilon(original, rng.normal(size=(16, 6)))
    assert (epsilon == 50).all()
    assert forgetting_quality(epsilon, 16) == 0


def test_no_finite_epsilon_exceeds_its_bound():
    """With N models on each side a finite epsilon is at most log(N - 1)."""
    rng = np.random.default_rng(1)
    epsilon = published_epsilon(rng.normal(size=(32, 40)), rng.normal(2, 1, size=(32, 40)))
    finite = epsilon[epsilon < 50]
    assert finite.size > 0
    assert finite.max() <= math.log(31)


def test_exchanging_the_sides_changes_nothing():
    """Without ties of median or range, the order of the samples makes no difference."""
    rng = np.random.default_rng(2)
    unlearned, retrained = rng.normal(size=(20, 8)), rng.normal(0.5, 1.5, size=(31, 8))
    np.testing.assert_array_equal(
        published_epsilon(unlearned, retrained), published_epsilon(retrained, unlearned)
    )


def test_order_of_models_changes_nothing():
    """Models have no order, and examples keep theirs."""
    rng = np.random.default_rng(3)
    unlearned, retrained = rng.normal(size=(20, 8)), rng.normal(size=(20, 8))
    examples = rng.permutation(8)
    shuffled = published_epsilon(
        rng.permutation(unlearned)[:, examples], rng.permutation(retrained)[:, examples]
    )
    np.testing.assert_array_equal(shuffled, published_epsilon(unlearned, retrained)[examples])


def test_examples_do_not_influence_each_other():
    """An example's epsilon is the same alone and among others."""
    rng = np.random.default_rng(4)
    unlearned, retrained = rng.normal(size=(12, 5)), rng.normal(size=(14, 5))
    together = published_epsilon(unlearned, retrained)
    alone = [epsilon_of(unlearned[:, e], retrained[:, e]) for e in range(5)]
    np.testing.assert_array_equal(together, alone)


def test_inputs_are_only_read():
    """Inputs that refuse writes are accepted and are not changed."""
    rng = np.random.default_rng(5)
    unlearned, retrained = rng.normal(size=(12, 5)), rng.normal(size=(12, 5))
    before = unlearned.copy(), retrained.copy()
    unlearned.flags.writeable = retrained.flags.writeable = False
    epsilon = published_epsilon(unlearned, retrained)
    epsilon.flags.writeable = False
    forgetting_quality(epsilon, 12)
    np.testing.assert_array_equal(unlearned, before[0])
    np.testing.assert_array_equal(retrained, before[1])


@pytest.mark.parametrize(
    ("shift", "mean", "mean_error", "quality", "quality_error"),
    # Three standard errors at 100 examples: one example's epsilon has a standard deviation of
    # 0.42 (0.38 with the shift) and its H one of 0.108 (0.0104), measured over 2000 examples.
    [(0, 1.54, 0.13, 0.19, 0.033), (1, 3.34, 0.12, 0.017, 0.0032)],
)
def test_known_means_at_contest_size(shift, mean, mean_error, quality, quality_error):
    """At N = 512 normal samples give the known epsilon: 1.54 under the null, 3.34 one sigma off."""
    rng = np.random.default_rng(6)
    unlearned, retrained = rng.normal(size=(512, 100)), rng.normal(shift, 1, size=(512, 100))
    epsilon = published_epsilon(unlearned, retrained)
    assert epsilon.mean() == pytest.approx(mean, abs=mean_error)
    assert forgetting_quality(epsilon, 512) == pytest.approx(quality, abs=quality_error)


@pytest.mark.parametrize(
    ("epsilon", "points"),
    [(0, 1), (0.49, 1), (0.5, 0.5), (1, 0.25), (6.24, 2**-12), (6.5, 2**-13), (7, 0), (50, 0)],
)
def test_points_halve_with_every_bin(epsilon, points):
    """H is 1, 1/2, 1/4, ... in bins closed on the left, and 0 after the fourteenth at N = 512."""
    assert forgetting_quality([epsilon], 512) == points


def test_forgetting_quality_is_a_mean():
    """Three examples with H of 1, 1/2 and 0 give 1/2."""
    assert forgetting_quality([0.1, 0.7, math.inf], 512) == 0.5


def test_two_models_have_no_bin():
    """With n = 2 the formula leaves no bin, so F is 0; with n = 3 there are two."""
    assert forgetting_quality([0.0, 0.0], 2) == 0
    assert forgetting_quality([0.0], 3) == 1
    assert forgetting_quality([0.9], 3) == 0.5
    assert forgetting_quality([1.0], 3) == 0


def test_rules_at_the_corners():
    """Never wrong is infinite, one zero rate or always wrong is discarded, guessing is 0."""
    fpr = [0, 0, 0.3, 1, 1, 0.5, 1]
    fnr = [0, 0.3, 0, 1, 0, 0.5, 0.5]
    nan = math.nan
    expected = [math.inf, nan, nan, nan, nan, 0, 0]
    np.testing.assert_array_equal(epsilon_of_rules(fpr, fnr), expected)


GOOD = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (GOOD[:, 0], GOOD, "must have shape"),
        (GOOD, GOOD[np.newaxis], "must have shape"),
        (GOOD[:, :0], GOOD[:, :0], "must not be empty"),
        (GOOD[:1], GOOD, "two or more models"),
        (GOOD, GOOD[:1], "two or more models"),
        (GOOD, GOOD[:, :1], "same examples"),
        (np.where(GOOD == 3, np.nan, GOOD), GOOD, "must be finite"),
        (GOOD, np.where(GOOD == 3, -np.inf, GOOD), "must be finite"),
        (GOOD * 1e5, GOOD, "within 10 000"),
        (GOOD.astype(complex), GOOD, "real numbers"),
    ],
)
def test_impossible_samples_are_refused(unlearned, retrained, message):
    """What cannot be two samples of the same examples is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        published_epsilon(unlearned, retrained)


@pytest.mark.parametrize(
    ("epsilon", "n", "message"),
    [
        ([0.1], 1, "2 or more"),
        ([], 8, "must have shape"),
        ([[0.1]], 8, "must have shape"),
        ([-0.1], 8, "zero or more"),
        ([math.nan], 8, "zero or more"),
    ],
)
def test_impossible_epsilons_are_refused(epsilon, n, message):
    """What cannot be epsilons of n models is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        forgetting_quality(epsilon, n)


@pytest.mark.parametrize(
    ("fpr", "fnr", "delta"),
    [([0.1], [0.1, 0.2], DELTA), ([1.1], [0], DELTA), ([0], [-0.1], DELTA), ([0], [0], 1.0)],
)
def test_impossible_rates_are_refused(fpr, fnr, delta):
    """Rates outside [0, 1], of unequal number, or a delta of 1 are a ValueError."""
    with pytest.raises(ValueError, match=r"\.$"):
        epsilon_of_rules(fpr, fnr, delta=delta)
