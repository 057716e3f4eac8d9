"""Slow twin: counting in sorted samples equals trying every rule on every model."""

import math

import numpy as np
import pytest

from scoring import epsilon_of_rules, published_epsilon

DELTA = 1e-5


def slow_rule(fpr, fnr):
    """Return one rule's epsilon, or None if it is discarded."""
    if fpr == 0 and fnr == 0:
        return math.inf
    if fpr == 0 or fnr == 0:
        return None
    sides = [math.log(1 - DELTA - x) - math.log(y) for x, y in ((fpr, fnr), (fnr, fpr)) if x < 1 - DELTA]
    return max(0.0, *sides) if sides else None


def slow_epsilon(unlearned, retrained):
    """Return one example's epsilon by enumeration, or None if no rule survives."""
    if np.median(retrained) > np.median(unlearned):
        positive, negative = retrained, unlearned
    else:
        positive, negative = unlearned, retrained
    positive_range = positive.max() - positive.min()
    negative_range = negative.max() - negative.min()
    smaller = min(positive_range, negative_range)
    if smaller / max(positive_range, negative_range) < 0.01:
        return 50.0

    rates = set()
    pooled = np.concatenate([positive, negative])
    span = pooled.max() - pooled.min()
    for t in np.linspace(pooled.min(), pooled.max(), math.ceil(100 * span)):
        rates.add((np.mean(negative >= t), np.mean(positive < t)))

    peaky, other = (negative, positive) if positive_range >= negative_range else (positive, negative)
    first, last = peaky.min() + smaller - 2, peaky.max() + 2
    for r in np.linspace(first, last, math.ceil((last - first) * 100)):
        left = np.linspace(r - smaller - 2, r - smaller + 2, 400)[:, np.newaxis]
        fnr = np.mean(~((left <= peaky) & (peaky <= r)), axis=1)
        fpr = np.mean((left <= other) & (other <= r), axis=1)
        rates.update(zip(fpr.tolist(), fnr.tolist(), strict=True))

    epsilons = [e for e in (slow_rule(float(x), float(y)) for x, y in rates) if e is not None]
    return min(max(epsilons), 50.0) if epsilons else None


def saturated(rng, models):
    return np.clip(rng.normal(95, 15, size=models), -103.616, 103.616)


KINDS = {
    "same": lambda rng, n, m: (rng.normal(size=n), rng.normal(size=m)),
    "shift": lambda rng, n, m: (rng.normal(size=n), rng.normal(1, 1, size=m)),
    "unlearned_wide": lambda rng, n, m: (rng.normal(size=n) * 4, rng.normal(size=m)),
    "retrained_wide": lambda rng, n, m: (rng.normal(size=n), rng.normal(size=m) * 4),
    "heavy": lambda rng, n, m: (rng.standard_t(2, size=n), rng.standard_t(2, size=m)),
    "narrow": lambda rng, n, m: (rng.normal(size=n) / 20, rng.normal(size=m) / 20),
    "ties_on_the_grid": lambda rng, n, m: (
        rng.integers(-4, 5, size=n) / 4,
        rng.integers(-4, 5, size=m) / 4,
    ),
    "saturated": lambda rng, n, m: (saturated(rng, n), saturated(rng, m)),
    "enclosed": lambda rng, n, m: (rng.uniform(-1, 1, size=n), rng.choice([-3.0, 3.0], size=m)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m"), [(16, 16), (9, 20), (21, 8), (2, 2), (3, 2)])
def test_epsilon_equals_enumeration(kind, n, m):
    """For all samples and sizes, the fast version gives the enumerated maximum."""
    rng = np.random.default_rng([n, m, list(KINDS).index(kind)])
    pairs = [KINDS[kind](rng, n, m) for _ in range(3)]
    unlearned, retrained = (np.stack(side, axis=1) for side in zip(*pairs, strict=True))
    for example, fast in enumerate(published_epsilon(unlearned, retrained)):
        slow = slow_epsilon(unlearned[:, example], retrained[:, example])
        if slow is None:
            assert fast in (0.0, 50.0)
        else:
            assert fast == pytest.approx(slow, abs=1e-12)


@pytest.mark.parametrize("seed", range(12))
def test_epsilon_equals_enumeration_at_moderate_size(seed):
    """The agreement holds where many samples share a narrow bin of the lookup table."""
    rng = np.random.default_rng(seed)
    width = 10.0 ** rng.uniform(-2.5, 1)
    unlearned = rng.normal(size=40) * width
    retrained = rng.normal(rng.uniform(0, 2) * width, rng.uniform(0.3, 3) * width, size=33)
    (fast,) = published_epsilon(unlearned[:, np.newaxis], retrained[:, np.newaxis])
    slow = slow_epsilon(unlearned, retrained)
    assert slow is not None
    assert fast == pytest.approx(slow, abs=1e-12)


def test_rules_equal_the_slow_rule():
    """Over every pair of counts of 12, the vectorised epsilon equals the scalar one."""
    fpr, fnr = (rates.ravel() / 12 for rates in np.meshgrid(np.arange(13), np.arange(13)))
    expected = [slow_rule(x, y) for x, y in zip(fpr.tolist(), fnr.tolist(), strict=True)]
    expected = [math.nan if value is None else value for value in expected]
    np.testing.assert_allclose(epsilon_of_rules(fpr, fnr), expected, rtol=0, atol=1e-13)
