"""Exact epsilon: the supremum over all thresholds, and its values at the edges."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring import epsilon_of_rules, exact_epsilon, published_epsilon

values = st.one_of(st.integers(-3, 3).map(float), st.floats(-5, 5).map(lambda value: round(value, 6)))
"""Rounded, because the smallest floats become ties when they are scaled."""

samples = st.lists(values, min_size=2, max_size=9)


def exact(unlearned, retrained):
    """Return the exact epsilon of one example from two flat samples."""
    (value,) = exact_epsilon(np.array(unlearned)[:, np.newaxis], np.array(retrained)[:, np.newaxis])
    return float(value)


def slow_twin(unlearned, retrained):
    """Return the largest epsilon of every interval between two of the values, in both roles."""
    unlearned, retrained = np.array(unlearned), np.array(retrained)
    edges = np.unique(np.concatenate([unlearned, retrained]))
    result = [0.0]
    for low in edges:
        for high in edges[edges >= low]:
            a, b = (((s >= low) & (s <= high)).mean() for s in (unlearned, retrained))
            result += epsilon_of_rules([b, a], [1 - a, 1 - b]).tolist()
    return min(np.nanmax(result), 50.0)


@given(samples, samples)
def test_equals_the_maximum_over_every_interval(unlearned, retrained):
    """The fast way gives the maximum by enumeration, with ties, unequal sizes and perfect separation too."""
    assert exact(unlearned, retrained) == pytest.approx(slow_twin(unlearned, retrained), abs=1e-9)


@given(samples, samples)
def test_the_roles_may_be_swapped(unlearned, retrained):
    """Exchanging the samples changes nothing."""
    assert exact(unlearned, retrained) == exact(retrained, unlearned)


@given(samples, samples, st.sampled_from([-2.0, -0.5, 3.0]))
def test_only_the_order_counts(unlearned, retrained, factor):
    """Stretching or mirroring the axis changes nothing: there is no grid to fall through."""
    stretched = [factor * value for value in unlearned], [factor * value for value in retrained]
    assert exact(*stretched) == exact(unlearned, retrained)


@pytest.mark.parametrize("scale", [0.3, 1.0, 8.0])
@pytest.mark.parametrize("shift", [0.0, 0.7, 3.0])
@pytest.mark.parametrize(("n", "m"), [(64, 64), (40, 100)])
def test_it_is_never_below_the_grid(n, m, shift, scale):
    """The exact epsilon covers every rule of the published grids, so it is never smaller."""
    rng = np.random.default_rng(n + m)
    unlearned, retrained = rng.normal(shift, scale, (n, 80)), rng.normal(size=(m, 80))
    below = exact_epsilon(unlearned, retrained) - published_epsilon(unlearned, retrained)
    assert below.min() >= 0


def test_no_finite_value_exceeds_the_number_of_models():
    """One error among 512 on either side gives the maximum finite epsilon: log(511 - 512 delta)."""
    unlearned = np.arange(512.0)
    retrained = np.arange(512.0) + 511.5
    retrained[0] = 510.5
    assert exact(unlearned, retrained) == pytest.approx(math.log(511 - 512e-5), abs=1e-9)


def test_an_interval_around_one_sample_is_found_at_any_width():
    """A sample that is peaky for the grid, with epsilon 50, is measured here by the values inside."""
    peaky = np.linspace(0, 1e-3, 10)
    spread = np.concatenate([[5e-4], np.linspace(-5, 5, 10)])
    assert published_epsilon(peaky[:, np.newaxis], spread[:, np.newaxis])[0] == 50
    assert exact(peaky, spread) == pytest.approx(slow_twin(peaky, spread), abs=1e-9)
    assert exact(peaky, spread) < 3


@pytest.mark.parametrize(
    ("unlearned", "retrained", "expected"),
    [
        ([1, 1, 1], [1, 1], 0),  # equal constants cannot be distinguished
        ([1, 1, 1], [2, 2], 50),  # different constants are separated
        ([0, 1], [0.5, 1.5], 0),  # two models show nothing
        ([0, 4], [1, 3], 50),  # an interval contains all of one sample and none of the other
        ([103.6, 103.6], [-103.6, 103.6], 0),  # saturated, half of them alike: one rate is zero
        ([103.6, 103.6], [-103.6, -103.6], 50),
    ],
)
def test_edges(unlearned, retrained, expected):
    """Constants, ties, saturation and two models have defined answers."""
    assert exact(unlearned, retrained) == expected


def test_examples_do_not_touch_each_other():
    """More examples than one block give the values of each example alone; inputs are not changed."""
    rng = np.random.default_rng(3)
    unlearned, retrained = rng.normal(0.5, 1, (12, 150)), rng.normal(size=(9, 150))
    unlearned.flags.writeable = retrained.flags.writeable = False
    together = exact_epsilon(unlearned, retrained)
    alone = [exact(unlearned[:, example], retrained[:, example]) for example in range(150)]
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (np.zeros((1, 2)), np.zeros((2, 2)), "unlearned confidences must come from two"),
        (np.zeros((2, 2)), np.zeros((2, 3)), "the same examples"),
        (np.full((2, 2), np.nan), np.zeros((2, 2)), "must be finite"),
        (np.full((2, 2), 1e5), np.zeros((2, 2)), "within 10 000"),
        (np.zeros(2), np.zeros((2, 1)), "must have shape"),
    ],
)
def test_impossible_inputs_are_refused(unlearned, retrained, message):
    """Impossible inputs are a ValueError of one sentence, as in the published metric."""
    with pytest.raises(ValueError, match=message):
        exact_epsilon(unlearned, retrained)
