"""Many examples at once: what is decided equals the search of each example alone, to the last bit."""

import math

import numpy as np
import pytest

from scoring import published_epsilon
from scoring.published.attacks import best_double_threshold, pool
from scoring.published.batches import (
    best_double_thresholds,
    best_single_thresholds,
    entry_table,
    pool_examples,
)
from scoring.published.epsilon import (
    _medians,
    _table,
    epsilon_of_samples,
    forgetting_quality,
    quality_of_samples,
)
from scoring.published.sorted_models import SortedModels

SIZES = [(40, 40), (17, 60), (60, 17), (2, 2), (3, 50), (120, 120)]


def saturated(rng, size):
    return np.clip(rng.normal(99, 6, size=size), -103.616, 103.616)


KINDS = {
    "normal": lambda rng, size: rng.normal(size=size),
    "shifted": lambda rng, size: rng.normal(rng.uniform(-2, 2), 1, size=size),
    "wide": lambda rng, size: rng.normal(size=size) * 30,
    "narrow": lambda rng, size: rng.normal(size=size) / 50,
    "heavy": lambda rng, size: rng.standard_t(2, size=size),
    "ties": lambda rng, size: rng.integers(-6, 7, size=size) / 4,
    "grid": lambda rng, size: np.round(rng.normal(size=size) * 3, 2),
    "saturated": saturated,
    "few_values": lambda rng, size: rng.choice([-3.0, 0.0, 0.005, 4.0], size=size),
    "far": lambda rng, size: rng.normal(9_990, 2, size=size),
    "mixed": lambda rng, size: rng.normal(size=size) * rng.uniform(0.01, 20, size=size[1]),
}


def two_samples(kind, peaky, others):
    rng = np.random.default_rng([list(KINDS).index(kind), peaky, others])
    return KINDS[kind](rng, (peaky, 30)), KINDS[kind](rng, (others, 30))


def pooled(peaky, others):
    """Return the pooled samples of two samples of each example, in any order of the models."""
    rows = np.split(np.arange(len(peaky) + len(others)), [len(peaky)])
    return pool_examples(*SortedModels(np.concatenate([peaky, others])).samples(*rows))


def random_table(rng, peaky, others):
    """Return arbitrary entries, many of them discarded, of which no bound can be tight."""
    entries = np.where(rng.random((peaky + 1, others + 1)) < 0.3, -np.inf, rng.exponential(size=others + 1))
    entries *= rng.uniform(size=entries.shape)
    entries[0] = -np.inf
    return entry_table(entries.ravel(), others=others)


def slow_single(peaky, others, entries, *, peaky_is_positive):
    """Return the largest entry of a single threshold by comparing every value with every threshold."""
    both = np.concatenate([peaky, others])
    grid = np.linspace(both.min(), both.max(), math.ceil((both.max() - both.min()) * 100))
    best = -np.inf
    for t in grid:
        inside = [int(((x >= t) if peaky_is_positive else (x < t)).sum()) for x in (peaky, others)]
        best = max(best, entries[inside[0] * (others.size + 1) + inside[1]])
    return best


@pytest.mark.parametrize("table_kind", ["epsilon", "random"])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "wide"])
@pytest.mark.parametrize(("n", "m"), SIZES[:4])
def test_single_thresholds_equal_every_comparison(kind, n, m, table_kind):
    """For each example, the largest entry is that of trying every threshold, ties included."""
    peaky, others = two_samples(kind, n, m)
    rng = np.random.default_rng(0)
    table = _table(peaky=n, others=m) if table_kind == "epsilon" else random_table(rng, n, m)
    positive = rng.random(30) < 0.5
    fast = best_single_thresholds(pooled(peaky, others), table, peaky_is_positive=positive)
    for example in range(0, 30, 3):
        samples = peaky[:, example], others[:, example]
        slow = slow_single(*samples, table.entries, peaky_is_positive=positive[example])
        assert fast[example] == slow


def test_equal_samples_have_no_single_threshold():
    """A pooled range of zero has no threshold, and a range under 0.01 the lowest value alone."""
    table = entry_table(np.arange(16.0), others=3)
    constant = np.ones((3, 2))
    moved = constant + np.array([0, 0.005])
    samples = pooled(constant, moved)
    for positive, expected in ((True, 15.0), (False, 0.0)):
        largest = best_single_thresholds(samples, table, peaky_is_positive=np.array([positive] * 2))
        assert largest.tolist() == [-np.inf, expected]


@pytest.mark.parametrize("table_kind", ["epsilon", "random"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_decided_examples_equal_the_search(kind, n, m, table_kind):
    """Whatever the table and the floor: a decided value equals the search, an undecided one bounds it."""
    peaky, others = two_samples(kind, n, m)
    rng = np.random.default_rng(1)
    table = _table(peaky=n, others=m) if table_kind == "epsilon" else random_table(rng, n, m)
    floor = rng.choice([-np.inf, 0.0, 0.3, 1.0], size=30)
    epsilon, decided = best_double_thresholds(pooled(peaky, others), table, floor=floor)
    for example in range(30):
        pair = peaky[:, example], others[:, example]
        slow = best_double_threshold(
            pool(*pair),
            low=float(pair[0].min()),
            high=float(pair[0].max()),
            table=table.entries,
            floor=float(floor[example]),
        )
        if decided[example]:
            assert epsilon[example] == slow
        else:
            assert floor[example] < 0 or epsilon[example] >= slow


@pytest.mark.parametrize(("shift", "scale"), [(0, 1), (1, 1), (3, 1), (0, 2)])
def test_most_examples_are_decided(shift, scale):
    """Bounds are worth computing: of ordinary samples, 97 of 100 need no search."""
    rng = np.random.default_rng(0)
    peaky, others = rng.normal(size=(2, 256, 100))
    samples = pooled(peaky, others * scale + shift)
    table = _table(peaky=256, others=256)
    floor = best_single_thresholds(samples, table, peaky_is_positive=np.full(100, shift == 0))
    _, decided = best_double_thresholds(samples, table, floor=floor)
    assert decided.mean() >= 0.97


@pytest.mark.parametrize("n", [20, 21])
def test_batches_change_nothing(n, monkeypatch):
    """Several batches of mixed kinds equal each example by itself, in any order of models and examples."""
    rng = np.random.default_rng(n)
    sides = [np.concatenate([KINDS[kind](rng, (n, 30)) for kind in KINDS], axis=1) for _ in range(2)]
    together = published_epsilon(*sides)
    monkeypatch.setattr("scoring.published.epsilon._BATCH", 100)
    in_parts = published_epsilon(*sides)
    assert in_parts.tolist() == together.tolist()
    alone = [published_epsilon(sides[0][:, [i]], sides[1][:, [i]])[0] for i in range(0, together.size, 3)]
    assert together[::3].tolist() == alone
    order = rng.permutation(together.size)
    mixed = published_epsilon(*(side[rng.permutation(n)][:, order] for side in sides))
    assert mixed.tolist() == together[order].tolist()


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_sorted_models_equal_the_parts_alone(kind):
    """Whichever models two samples are taken from: epsilon is that of the samples, ties included."""
    rng = np.random.default_rng(3)
    confidences = KINDS[kind](rng, (60, 40))
    models = SortedModels(confidences)
    for first, second in ((25, 35), (17, 20), (2, 3)):
        order = rng.permutation(60)
        parts = order[:first], order[first : first + second]
        expected = published_epsilon(*(confidences[part] for part in parts))
        assert epsilon_of_samples(models.samples(*parts)).tolist() == expected.tolist()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("n", "m"), SIZES)
def test_only_bins_is_epsilon_rounded_down(kind, n, m):
    """Of bins alone, each example has the start of its bin, and F is the same."""
    sides = two_samples(kind, n, m)
    samples = SortedModels(np.concatenate(sides)).samples(np.arange(n), n + np.arange(m))
    epsilon = epsilon_of_samples(samples)
    bins = epsilon_of_samples(samples, only_bins=True)
    assert bins.tolist() == (np.floor(epsilon / 0.5) * 0.5).tolist()
    assert quality_of_samples(samples, 40) == forgetting_quality(epsilon, 40)


@pytest.mark.parametrize("models", [2, 3, 8, 33])
def test_median_is_that_of_numpy(models):
    """To the last bit, because a tie of medians decides which sample is positive."""
    values = np.random.default_rng(models).normal(size=(models, 200)) * 1e-3
    at = np.arange(values.size).reshape(200, models)
    assert _medians(np.sort(values.T, axis=1), at).tolist() == np.median(values, axis=0).tolist()
