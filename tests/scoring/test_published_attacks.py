"""Does every rule take in exactly what its comparisons say, ties with a threshold included?"""

import math

import numpy as np
import pytest

from scoring.attacks import double_threshold_codes, pool, single_threshold_codes


def members(peaky, others, taken_in):
    """Return the code of what a predicate takes in, by counting."""
    return int(taken_in(peaky).sum()) * (others.size + 1) + int(taken_in(others).sum())


def right_grid(low, high):
    first, last = low + (high - low) - 2, high + 2
    return np.linspace(first, last, math.ceil((last - first) * 100))


def left_grid(right, low, high):
    return np.linspace(right - (high - low) - 2, right - (high - low) + 2, 400)


@pytest.mark.parametrize("seed", range(6))
def test_single_thresholds_take_in_a_tie(seed):
    """A sample equal to a threshold is at or above it: half of these lie on the grid itself."""
    rng = np.random.default_rng(seed)
    low, high = -rng.uniform(1, 3), rng.uniform(1, 3)
    grid = np.linspace(low, high, math.ceil((high - low) * 100))
    peaky = np.concatenate([rng.choice(grid, size=20), rng.uniform(low, high, size=20)])
    others = np.concatenate([rng.choice(grid, size=20), [low, high]])
    expected = [members(peaky, others, lambda f, t=t: f >= t) for t in grid]
    assert single_threshold_codes(pool(peaky, others)).tolist() == expected


@pytest.mark.parametrize("width", [0.02, 0.7, 5.0])
@pytest.mark.parametrize("seed", range(3))
def test_double_thresholds_take_in_both_edges(seed, width):
    """A sample equal to l or to r lies inside: most of these equal some grid point exactly."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(-3, 3)
    high = low + width
    right = right_grid(low, high)
    left = np.stack([left_grid(r, low, high) for r in right], axis=1)
    on_right, on_left = right[(right > low) & (right < high)], left[(left > low) & (left < high)]
    peaky = np.concatenate([[low, high], rng.choice(on_right, 6), rng.choice(on_left, 6)])
    others = np.concatenate([rng.choice(right, 8), rng.choice(left.ravel(), 16)])

    codes = double_threshold_codes(pool(peaky, others), low=low, high=high)
    assert codes.shape == left.shape
    for j, r in enumerate(right):
        inside_peaky = ((left[:, j, None] <= peaky) & (peaky <= r)).sum(axis=1)
        inside_others = ((left[:, j, None] <= others) & (others <= r)).sum(axis=1)
        expected = inside_peaky * (others.size + 1) + inside_others
        np.testing.assert_array_equal(np.maximum(codes[:, j], 0), expected)


def test_number_of_right_thresholds_follows_the_rounding():
    """The span of 4 rounds to 400 or 401 right thresholds, and both occur."""
    rng = np.random.default_rng(0)
    widths = set()
    for _ in range(40):
        peaky = rng.normal(3, 2, size=40)
        low, high = float(peaky.min()), float(peaky.max())
        codes = double_threshold_codes(pool(peaky, peaky - 1), low=low, high=high)
        assert codes.shape == (400, right_grid(low, high).size)
        widths.add(codes.shape[1])
    assert widths == {400, 401}


def test_equal_samples_have_no_single_threshold():
    """A pooled range of zero has no threshold, and a range under 0.01 the lowest value alone."""
    constant = np.ones(3)
    assert single_threshold_codes(pool(constant, constant)).size == 0
    assert single_threshold_codes(pool(constant, constant + 0.005)).tolist() == [3 * 4 + 3]
