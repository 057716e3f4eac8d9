"""Held-out and certified epsilon: valid under the null, and with little loss under a shift."""

import math

import numpy as np
import pytest

from scoring import published_epsilon
from scoring.epsilon.chosen_rule import choose_rules, count_inside
from scoring.epsilon.held_out import (
    _bounds,
    _smoothed,
    certified_epsilon,
    held_out_epsilon,
    upper_bounds,
)


def normals(n, examples, shift=0.0, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, examples)), rng.normal(shift, 1, size=(n, examples))


def test_null_shows_little():
    """At n = 512 identical samples show about 0.27 where the published epsilon shows 1.54."""
    unlearned, retrained = normals(512, 150)
    assert published_epsilon(unlearned, retrained).mean() > 1.4
    assert 0.2 < held_out_epsilon(unlearned, retrained, seed=0).mean() < 0.5


@pytest.mark.parametrize(("shift", "expected"), [(1.0, 1.8), (2.0, 3.6)])
def test_shift_is_detected(shift, expected):
    """A shift is not lost with half of the models: 1.8 for one sigma and 3.6 for two."""
    unlearned, retrained = normals(512, 60, shift)
    assert held_out_epsilon(unlearned, retrained, seed=0).mean() == pytest.approx(expected, abs=0.25)


def test_two_sigma_are_certified():
    """A shift of two sigma at n = 512 is certified as about 2.2 by itself, and as 1.4 among 700 examples."""
    unlearned, retrained = normals(512, 60, 2.0)
    alone = certified_epsilon(unlearned, retrained, seed=0, simultaneous=False)
    assert alone.mean() == pytest.approx(2.2, abs=0.2)
    single = certified_epsilon(unlearned[:, :1], retrained[:, :1], seed=0)
    assert single[0] == alone[0]
    together = certified_epsilon(np.tile(unlearned, 12)[:, :700], np.tile(retrained, 12)[:, :700], seed=0)
    assert together.mean() == pytest.approx(1.4, abs=0.2)


def test_each_bound_holds():
    """Of 400 single bounds under a shift of one sigma, at most 5 % exceed the true epsilon of the rule.

    No rule of a finite interval shows more than that of its likelihood ratio at the edge;
    so the truth is computed for each chosen rule from the normal distribution.
    """
    unlearned, retrained = normals(128, 400, 1.0, seed=3)
    bounds = certified_epsilon(unlearned, retrained, seed=0, simultaneous=False)
    # The largest true epsilon among half-lines with a false-positive rate of 1/64 or more
    # (below which 64 models cannot certify anything) is 2.3.
    assert np.mean(bounds > 2.3) <= 0.05
    assert bounds.max() > 0.5


@pytest.mark.parametrize("models", [1, 2, 30, 256])
@pytest.mark.parametrize("error", [0.025, 1e-5])
def test_upper_bound_is_where_so_few_errors_become_unlikely(models, error):
    """At the bound, the binomial probability of at most the observed errors is the allowed error."""
    bounds = upper_bounds(models, error=error)
    assert bounds[-1] == 1
    for observed in {0, models // 3, models - 1}:
        rate = bounds[observed]
        tail = sum(
            math.comb(models, k) * rate**k * (1 - rate) ** (models - k) for k in range(int(observed) + 1)
        )
        assert tail == pytest.approx(error, rel=1e-6)
    assert (np.diff(bounds) > 0).all()


def test_no_errors_in_ten_by_hand():
    """After 0 errors in 10 the rate is below 1 - 0.05^(1/10) = 0.2589 with 95 % confidence."""
    assert upper_bounds(10, error=0.05)[0] == pytest.approx(1 - 0.05**0.1)


def slow_choice(unlearned, retrained, worth):
    """Return the largest worth by trying every pair of edges, with comparisons."""
    values = np.unique(np.concatenate([unlearned, retrained]))
    edges = [-math.inf, *((values[1:] + values[:-1]) / 2), math.inf]
    best = -math.inf
    for low in edges:
        for high in edges:
            a, b = (int(((low < x) & (x <= high)).sum()) for x in (unlearned, retrained))
            best = max(best, worth[0, a, b], worth[1, a, b])
    return best


@pytest.mark.parametrize("seed", range(8))
def test_chosen_rule_is_the_best_of_all(seed):
    """No interval and no role is worth more, whatever the worth of each count; ties are never cut."""
    rng = np.random.default_rng(seed)
    unlearned, retrained = rng.integers(-4, 5, size=(9, 3)) / 2, rng.normal(size=(7, 3)).round(seed % 3)
    worth = rng.normal(size=(2, 10, 8))
    rules = choose_rules(unlearned, retrained, worth=worth)
    chosen = worth[
        np.where(rules.unlearned_inside, 0, 1), count_inside(rules, unlearned), count_inside(rules, retrained)
    ]
    expected = [slow_choice(unlearned[:, e], retrained[:, e], worth) for e in range(3)]
    np.testing.assert_array_equal(chosen, expected)


def test_neighbouring_floats_are_separated():
    """Two values without another float between them still have an edge between them."""
    low = np.full((4, 1), 1.0)
    high = np.nextafter(low, 2)
    assert held_out_epsilon(low, high, seed=0)[0] == pytest.approx(math.log(5), abs=1e-4)


def test_separated_samples_reach_the_bound():
    """Samples that never overlap show log(n + 1) held out and are certified, whichever sample is above."""
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.uniform(0, 1, size=(64, 2)), rng.uniform(2, 3, size=(64, 2))
    for pair in ((unlearned, retrained), (retrained, unlearned)):
        np.testing.assert_allclose(held_out_epsilon(*pair, seed=0), math.log(65), atol=1e-3)
        bound = 1 - 0.0125 ** (1 / 32)  # 0 errors in 32, two examples, two rates
        expected = math.log(1 - 1e-5 - bound) - math.log(bound)
        np.testing.assert_allclose(certified_epsilon(*pair, seed=0), expected, atol=1e-9)


@pytest.mark.parametrize("constant", [0.0, -103.616, 103.616])
def test_equal_constants_show_nothing(constant):
    """Two constant samples of one value, saturated or not, show 0 and certify 0."""
    sample = np.full((16, 2), constant)
    assert (held_out_epsilon(sample, sample, seed=0) == 0).all()
    assert (certified_epsilon(sample, sample, seed=0) == 0).all()


def test_exchanging_the_sides_changes_little():
    """The order of the samples decides only how the halves are drawn: the means agree."""
    unlearned, retrained = normals(128, 200, 1.0)
    first, second = (
        held_out_epsilon(unlearned, retrained, seed=0),
        held_out_epsilon(retrained, unlearned, seed=0),
    )
    assert first.mean() == pytest.approx(second.mean(), abs=0.15)


@pytest.mark.parametrize(("n", "m"), [(2, 2), (2, 9), (31, 4), (5, 5)])
def test_small_and_odd_populations(n, m):
    """Two models a side suffice: held out they show at most log(max(n, m) + 2)."""
    rng = np.random.default_rng(0)
    unlearned, retrained = rng.normal(size=(n, 1)), rng.normal(size=(m, 1))
    epsilon = held_out_epsilon(unlearned, retrained, seed=0)
    assert epsilon.shape == (1,)
    assert 0 <= epsilon[0] <= math.log(max(n, m) + 2)
    assert certified_epsilon(unlearned, retrained, seed=0)[0] >= 0


def test_seed_decides():
    """The same seed gives the same halves, another seed others."""
    unlearned, retrained = normals(32, 10, 1.0)
    for measure in (held_out_epsilon, certified_epsilon):
        first = measure(unlearned, retrained, seed=1)
        np.testing.assert_array_equal(measure(unlearned, retrained, seed=1), first)
    assert (
        held_out_epsilon(unlearned, retrained, seed=2) != held_out_epsilon(unlearned, retrained, seed=1)
    ).any()


def test_inputs_are_only_read():
    """Confidences that refuse writes are accepted and are not changed."""
    unlearned, retrained = normals(12, 3)
    before = unlearned.copy(), retrained.copy()
    unlearned.flags.writeable = retrained.flags.writeable = False
    held_out_epsilon(unlearned, retrained, seed=0)
    certified_epsilon(unlearned, retrained, seed=0)
    np.testing.assert_array_equal(unlearned, before[0])
    np.testing.assert_array_equal(retrained, before[1])


GOOD = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (GOOD[:1], GOOD, "two or more models"),
        (GOOD, GOOD[:, :1], "same examples"),
        (np.where(GOOD == 3, np.nan, GOOD), GOOD, "must be finite"),
        (GOOD, np.where(GOOD == 3, np.inf, GOOD), "must be finite"),
        (GOOD[:, :0], GOOD[:, :0], "must not be empty"),
    ],
)
def test_impossible_samples_are_refused(unlearned, retrained, message):
    """What cannot be two samples of the same examples is a ValueError that says why."""
    for measure in (held_out_epsilon, certified_epsilon):
        with pytest.raises(ValueError, match=message):
            measure(unlearned, retrained, seed=0)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0, math.nan])
def test_impossible_confidences_are_refused(confidence):
    """A confidence that is not strictly between 0 and 1 is a ValueError."""
    with pytest.raises(ValueError, match="confidence must lie between"):
        certified_epsilon(GOOD, GOOD, confidence=confidence, seed=0)


def slow_rule(unlearned, retrained, worth):
    """Return the first interval of the largest worth of one example, by trying every pair of edges."""
    values = np.unique(np.concatenate([unlearned, retrained]))
    halfway = values[:-1] + np.diff(values) / 2
    edges = [-np.inf, *np.minimum(halfway, np.nextafter(values[1:], -np.inf)), np.inf]
    best = (-np.inf, 0.0, 0.0, True)
    for high in edges:
        for low in edges:
            u, r = (int(((low < side) & (side <= high)).sum()) for side in (unlearned, retrained))
            if worth[:, u, r].max() > best[0]:
                best = (worth[:, u, r].max(), low, high, worth[0, u, r] >= worth[1, u, r])
    return best[1:]


@pytest.mark.parametrize("worth", ["smoothed", "bounds", "flat", "random"])
@pytest.mark.parametrize("kind", ["normal", "shifted", "ties", "separated", "constant"])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (1, 5), (12, 12), (9, 14)])
def test_chosen_rule_equals_every_pair_of_edges(n, m, kind, worth):
    """The first of the best rules is chosen, ties of worth and of values included, whatever the worth is."""
    rng = np.random.default_rng([n, m])
    tables = {
        "smoothed": _smoothed(n, m),
        "bounds": _bounds(n, m, error=1e-3),
        "flat": np.zeros((2, n + 1, m + 1)),
        "random": rng.integers(0, 4, size=(2, n + 1, m + 1)).astype(float),
    }
    unlearned, retrained = rng.normal(size=(n, 8)), rng.normal(size=(m, 8))
    if kind == "shifted":
        retrained += 1
    elif kind == "separated":
        retrained += 20
    elif kind == "ties":
        unlearned, retrained = np.round(unlearned), np.round(retrained)
    elif kind == "constant":
        unlearned, retrained = unlearned * 0, retrained * 0
    rules = choose_rules(unlearned, retrained, worth=tables[worth])
    for example in range(8):
        low, high, inside = slow_rule(unlearned[:, example], retrained[:, example], tables[worth])
        assert (rules.low[example], rules.high[example]) == (low, high)
        assert rules.unlearned_inside[example] == inside
