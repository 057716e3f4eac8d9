"""Ceiling: it predicts the forgetting quality of perfect unlearning."""

import numpy as np
import pytest

from scoring import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling, share_of_ceiling
from scoring.statistics.interval import multiplicative_interval


def normals(n, examples, seed=0, correlation=0.0):
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=(n, 1)), rng.normal(size=(n, examples))
    return np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own


def test_contest_size_has_the_known_ceiling():
    """For 512 standard-normal references the ceiling at n = 512 is about 0.19."""
    limit = ceiling(normals(512, 60), 512, seed=0, repetitions=6)
    assert limit.quality.estimate == pytest.approx(0.186, abs=0.02)
    assert limit.sizes == (256, 256)
    assert limit.n == 512


@pytest.mark.parametrize("correlation", [pytest.param(0.0, marks=pytest.mark.long), 0.5])
def test_ceiling_covers_the_null(correlation):
    """F of fresh perfect models lies in the ceiling's interval in 90 to 99 % of 100 repetitions."""
    held = []
    for seed in range(100):
        retrained = normals(32, 6, seed=1000 + seed, correlation=correlation)
        unlearned = normals(32, 6, seed=2000 + seed, correlation=correlation)
        quality = forgetting_quality(published_epsilon(unlearned, retrained), 32)
        limit = ceiling(retrained, 32, seed=seed, repetitions=6)
        held.append(limit.quality.low <= quality <= limit.quality.high)
    assert 0.90 <= np.mean(held) <= 0.99


def test_ceiling_is_unbiased_over_references():
    """Its mean over many sets of references is the mean F of perfect models, to 8 %."""
    limits, result = [], []
    for seed in range(60):
        retrained, unlearned = normals(64, 6, seed=1000 + seed), normals(64, 6, seed=2000 + seed)
        limits.append(ceiling(retrained, 64, seed=seed, repetitions=4).quality.estimate)
        result.append(forgetting_quality(published_epsilon(unlearned, retrained), 64))
    # 360 examples: a standard error of about 0.006 for the one and 0.004 for the other.
    assert np.mean(limits) == pytest.approx(np.mean(result), abs=0.015)


def test_bins_are_those_of_n():
    """A ceiling for n = 3, which has two bins, earns no point for an epsilon from 1 on."""
    references = normals(64, 20)
    few, many = (ceiling(references, n, seed=0, repetitions=3) for n in (3, 64))
    assert few.n == 3
    assert few.sizes == (3, 61)
    assert many.sizes == (32, 32)


@pytest.mark.parametrize(
    ("m", "n", "sizes"), [(64, 512, (57, 7)), (512, 64, (57, 455)), (8, 512, (6, 2)), (4, 2, (2, 2))]
)
def test_parts_are_in_the_ratio_of_the_whole(m, n, sizes):
    """References are divided n : m, and neither part has fewer than two."""
    assert ceiling(normals(m, 3), n, seed=0, repetitions=2).sizes == sizes


def test_observed_drift_is_extrapolated():
    """F that falls with the number of models (two values, decided by the bulk) is extrapolated downwards."""
    rng = np.random.default_rng(0)
    coins = rng.integers(0, 2, size=(64, 200)).astype(float)
    limit = ceiling(coins, 64, seed=0, repetitions=8)
    fresh = rng.integers(0, 2, size=(64, 200)).astype(float)
    quality = forgetting_quality(published_epsilon(fresh, coins), 64)
    plain = limit.quality.estimate - limit.drift
    assert limit.drift > 0
    assert abs(limit.quality.estimate - quality) < abs(plain - quality)


def test_constant_references_have_a_ceiling_of_one():
    """Saturated references that are all alike have a ceiling of 1 without any spread."""
    limit = ceiling(np.full((8, 3), 103.616), 8, seed=0, repetitions=3)
    assert (limit.quality.low, limit.quality.estimate, limit.quality.high) == (1, 1, 1)
    assert limit.spread == limit.standard_error == limit.drift == 0


def test_two_models_have_no_bin_and_no_ceiling():
    """At n = 2 no epsilon earns a point: the ceiling is 0, and no share of it is defined."""
    limit = ceiling(normals(8, 3), 2, seed=0, repetitions=3)
    assert limit.quality.estimate == limit.quality.high == 0
    with pytest.raises(ValueError, match="ceiling is zero"):
        share_of_ceiling(multiplicative_interval(0.1, 0.1, degrees=9), limit)


def test_share_has_both_errors():
    """F / ceiling divides the two, and its relative error is at least that of F and of the ceiling."""
    limit = ceiling(normals(32, 10), 32, seed=0, repetitions=4)
    quality = multiplicative_interval(limit.quality.estimate / 2, 0.1, degrees=9)
    share = share_of_ceiling(quality, limit)
    assert share.estimate == pytest.approx(0.5)
    own = limit.standard_error / limit.quality.estimate
    assert share.standard_error / share.estimate == pytest.approx(np.hypot(0.1, own))
    assert share_of_ceiling(multiplicative_interval(0.0, 0.1, degrees=9), limit).high == 0


def test_seed_decides():
    """The same seed gives the same ceiling, another seed another; the order of examples does not matter."""
    references = normals(32, 10)
    first = ceiling(references, 32, seed=1, repetitions=3)
    assert ceiling(references, 32, seed=1, repetitions=3) == first
    assert ceiling(references, 32, seed=2, repetitions=3) != first
    shuffled = ceiling(references[:, ::-1], 32, seed=1, repetitions=3)
    assert shuffled.quality.estimate == pytest.approx(first.quality.estimate)


def test_references_are_only_read():
    """References that refuse writes are accepted and are not changed."""
    references = normals(8, 3)
    before = references.copy()
    references.flags.writeable = False
    ceiling(references, 8, seed=0, repetitions=2)
    np.testing.assert_array_equal(references, before)


@pytest.mark.parametrize(
    ("references", "changes", "message"),
    [
        (normals(3, 2), {}, "four or more references"),
        (normals(8, 2)[:, 0], {}, "must have shape"),
        (np.full((8, 2), np.nan), {}, "must be finite"),
        (np.full((8, 2), np.inf), {}, "must be finite"),
        (normals(8, 2), {"n": 1}, "2 or more"),
        (normals(8, 2), {"repetitions": 1}, "two or more repetitions"),
        (normals(8, 2), {"confidence": 1.0}, "confidence must lie"),
    ],
)
def test_impossible_arguments_are_refused(references, changes, message):
    """Impossible references, counts and confidences are a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        ceiling(references, **{"n": 8, "seed": 0, "repetitions": 2, **changes})
