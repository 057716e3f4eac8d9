"""Decision rules: each includes exactly the values of its comparisons, with ties at a threshold."""

import math

import numpy as np
import pytest

from scoring.published.attacks import best_double_threshold, pool


def members(peaky, others, predicate):
    """Return the code of the values that satisfy a predicate, by counting."""
    return int(predicate(peaky).sum()) * (others.size + 1) + int(predicate(others).sum())


def right_grid(low, high):
    first, last = low + (high - low) - 2, high + 2
    return np.linspace(first, last, math.ceil((last - first) * 100))


def every_pair(low, high):
    """Return left and right thresholds of the grid, each of shape [400, right thresholds]."""
    right = right_grid(low, high)
    left = np.linspace(right - (high - low) - 2, right - (high - low) + 2, 400)
    return left, np.broadcast_to(right, left.shape)


def codes_of_every_pair(peaky, others, low, high):
    """Return the code of each pair by comparing every value with every threshold."""
    left, right = every_pair(low, high)
    inside = [sum((left <= value) & (value <= right) for value in sample) for sample in (peaky, others)]
    return inside[0] * (others.size + 1) + inside[1]


def on_the_grid(rng, width):
    """Return two samples most of whose values equal a threshold exactly, and the peaky edges."""
    low = rng.uniform(-3, 3)
    high = low + width
    left, right = every_pair(low, high)
    on_right, on_left = (grid[(grid > low) & (grid < high)] for grid in (right, left))
    peaky = np.concatenate([[low, high], rng.choice(on_right, 6), rng.choice(on_left, 6)])
    others = np.concatenate([rng.choice(right.ravel(), 8), rng.choice(left.ravel(), 16)])
    return peaky, others, low, high


def off_the_grid(rng, width):
    """Return two random samples off the grid."""
    center = rng.uniform(-3, 3)
    peaky = rng.uniform(center - width / 2, center + width / 2, size=18)
    others = rng.normal(center, width, size=25)
    return peaky, others, float(peaky.min()), float(peaky.max())


@pytest.mark.parametrize("samples", [on_the_grid, off_the_grid])
@pytest.mark.parametrize("width", [0.02, 0.3, 0.7, 5.0, 60.0])
@pytest.mark.parametrize("seed", range(3))
def test_double_thresholds_reach_the_codes_of_the_whole_grid(seed, width, samples):
    """Each code is reached if and only if one of the 160 000 pairs has it, both edges inside."""
    rng = np.random.default_rng(seed)
    peaky, others, low, high = samples(rng, width)
    pooled = pool(peaky, others)
    expected = np.unique(codes_of_every_pair(peaky, others, low, high))
    size = (peaky.size + 1) * (others.size + 1)
    reached = []
    for code in range(1, size):
        only = np.zeros(size)
        only[code] = 1
        if best_double_threshold(pooled, low=low, high=high, table=only, floor=0.0) == 1:
            reached.append(code)
    assert reached == expected[expected > 0].tolist()


@pytest.mark.parametrize("models", [40, 300])
@pytest.mark.parametrize("seed", range(3))
def test_largest_entry_is_found_however_deep(seed, models):
    """With any table, the result is the largest entry that the grid reaches, never an unreachable one."""
    rng = np.random.default_rng(seed)
    peaky, others = rng.normal(0, 0.2, size=(2, models))
    low, high = float(peaky.min()), float(peaky.max())
    codes = codes_of_every_pair(peaky, others, low, high)
    for _ in range(5):
        table = rng.normal(size=(models + 1) ** 2)
        table[0] = -np.inf
        result = best_double_threshold(pool(peaky, others), low=low, high=high, table=table)
        assert result == table[codes].max()


def test_nothing_above_the_floor_leaves_the_floor():
    """If no pair reaches an entry above the floor, the floor is returned."""
    peaky, others = np.array([0.0, 1.0]), np.array([0.5, 3.0])
    table = np.arange(9.0)
    assert best_double_threshold(pool(peaky, others), low=0.0, high=1.0, table=table, floor=8.0) == 8
    assert best_double_threshold(pool(peaky, others), low=0.0, high=1.0, table=table, floor=7.5) == 8


def test_number_of_right_thresholds_follows_the_rounding():
    """The span of 4 rounds to 400 or 401 right thresholds, and the tests above meet both."""
    rng = np.random.default_rng(0)
    samples = [off_the_grid(rng, 5.0) for _ in range(40)]
    assert {right_grid(low, high).size for _, _, low, high in samples} == {400, 401}
