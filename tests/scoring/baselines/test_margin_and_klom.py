"""Margin: the confidence without its bounds. KLoM: the divergence of its definition."""

import itertools
import math

import numpy as np
import pytest

from scoring import logit_scaled_confidence
from scoring.baselines.klom import BINS, SMOOTHING, klom, klom_percentiles
from scoring.baselines.margin import classification_margin, cross_entropy

LARGEST = math.log((1 + BINS * SMOOTHING) / SMOOTHING)


def test_margin_of_two_classes_is_the_difference():
    """With two classes the margin is the right logit minus the wrong one, however large."""
    logits = np.array([[0.0, 3.0], [1e6, -1e6]])
    np.testing.assert_array_equal(classification_margin(logits, [1, 1]), [3, -2e6])


def test_margin_equals_the_confidence_where_it_is_not_bounded():
    """Within 80 of zero the two agree to float32's rounding."""
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(200, 10)) * rng.uniform(0, 15, size=(200, 1))).astype(np.float32)
    labels = rng.integers(0, 10, size=200)
    margin = classification_margin(logits, labels)
    assert 30 < np.abs(margin).max() < 80
    np.testing.assert_allclose(margin, logit_scaled_confidence(logits, labels), atol=1e-5)


def test_margin_survives_extreme_logits():
    """Logits at the ends of float32 give a finite margin, without a warning."""
    logits = np.array([[3e38, -3e38, 0.0]] * 2, dtype=np.float32)
    margin = classification_margin(logits, [0, 1])
    assert np.isfinite(margin).all()
    assert margin[0] > 1e38
    assert margin[1] < -1e38


def test_loss_is_the_negative_log_probability():
    """A margin of log(p / (1 - p)) costs -log p, and an extreme one costs 0 or its size."""
    p = np.array([0.5, 0.9, 0.01])
    np.testing.assert_allclose(cross_entropy(np.log(p / (1 - p))[np.newaxis])[0], -np.log(p), rtol=1e-12)
    np.testing.assert_array_equal(cross_entropy([[1e6, -1e6]]), [[0, 1e6]])


def slow_klom(unlearned, retrained):
    """Return one example's divergence, bin by bin and member by member."""
    unlearned, retrained = np.clip(unlearned, -100, 100), np.clip(retrained, -100, 100)
    pooled = np.concatenate([unlearned, retrained])
    if pooled.min() == pooled.max():
        return 0.0
    edges = np.linspace(pooled.min(), pooled.max(), 21)
    shares = []
    for sample in (unlearned, retrained):
        count = [sum(a <= x < b for x in sample) for a, b in itertools.pairwise(edges)]
        count[-1] += sum(x == edges[-1] for x in sample)
        shares.append([c / len(sample) for c in count])
    p, q = shares
    q = [max(b, 1e-5) if a > 0 else b for a, b in zip(p, q, strict=True)]
    return sum(a * math.log(a / (b / sum(q))) for a, b in zip(p, q, strict=True) if a > 0)


@pytest.mark.parametrize("scale", [1e-9, 1.0, 60.0])
@pytest.mark.parametrize("seed", range(3))
def test_klom_equals_its_slow_twin(scale, seed):
    """Counting member by member gives the same divergence, clipped margins included."""
    rng = np.random.default_rng(seed)
    unlearned, retrained = scale * rng.normal(size=(23, 5)), scale * rng.normal(0.5, 2, size=(31, 5))
    expected = [slow_klom(unlearned[:, e], retrained[:, e]) for e in range(5)]
    np.testing.assert_allclose(klom(unlearned, retrained), expected, atol=1e-12)


def test_klom_by_hand():
    """Halves of 0 and 20 against quarters of them: 1/2 log(2) + 1/2 log(2/3)."""
    unlearned = np.array([[0.0], [0.0], [20.0], [20.0]])
    retrained = np.array([[0.0], [20.0], [20.0], [20.0]])
    assert klom(unlearned, retrained)[0] == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))


def test_klom_has_a_direction():
    """A mode that only unlearned models have costs much, one that only references have little."""
    narrow, wide = np.array([[0.0]] * 4), np.array([[0.0], [0.0], [0.0], [10.0]])
    assert klom(narrow, wide)[0] == pytest.approx(math.log(4 / 3), abs=1e-4)
    assert klom(wide, narrow)[0] > 0.25 * math.log(0.25 / SMOOTHING) - 0.25


@pytest.mark.parametrize("apart", [1e-9, 1.0, 1e30])
def test_separated_samples_reach_the_largest_divergence(apart):
    """Samples without a common bin give log(1e5), up to what the smoothing adds."""
    unlearned, retrained = np.zeros((5, 1)), np.full((7, 1), apart)
    assert klom(unlearned, retrained)[0] == pytest.approx(math.log(1e5), abs=1e-4)
    assert klom(unlearned, retrained)[0] <= LARGEST


def test_equal_samples_do_not_diverge():
    """The same sample twice, or constants, give 0; so do constants that are equal when clipped."""
    sample = np.random.default_rng(3).normal(size=(12, 4))
    np.testing.assert_allclose(klom(sample, sample), 0, atol=1e-15)
    assert klom(np.full((2, 1), 103.6), np.full((3, 1), 1e6)).tolist() == [0]


def test_null_of_klom_is_not_zero():
    """At 512 models of one normal distribution the mean is 0.051, not 0: there are empty bins."""
    rng = np.random.default_rng(4)
    divergence = klom(rng.normal(size=(512, 200)), rng.normal(size=(512, 200)))
    # One example's standard deviation is 0.024, so three standard errors are 0.005.
    assert divergence.mean() == pytest.approx(0.051, abs=0.006)
    assert klom_percentiles(divergence)[2] < 0.12


def test_percentiles_are_of_the_examples():
    """Of 0 to 100 the percentiles are themselves."""
    np.testing.assert_allclose(klom_percentiles(np.arange(101)), [5, 50, 95, 99])
    np.testing.assert_allclose(klom_percentiles([2.0], [0, 100]), [2, 2])


def test_inputs_are_only_read():
    """Margins that refuse writes are accepted and are not changed."""
    rng = np.random.default_rng(5)
    unlearned, retrained = 200 * rng.normal(size=(4, 3)), rng.normal(size=(4, 3))
    before = unlearned.copy()
    unlearned.flags.writeable = retrained.flags.writeable = False
    klom(unlearned, retrained)
    np.testing.assert_array_equal(unlearned, before)


GOOD = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("unlearned", "retrained", "message"),
    [
        (GOOD[:, 0], GOOD, "must have shape"),
        (GOOD[:1], GOOD, "two or more models"),
        (GOOD, GOOD[:, :1], "same examples"),
        (np.where(GOOD == 0, np.inf, 0), GOOD, "must be finite"),
        (GOOD, np.where(GOOD == 0, np.nan, 0), "must be finite"),
    ],
)
def test_impossible_margins_are_refused(unlearned, retrained, message):
    """Impossible margins are refused; an infinite margin is not clipped."""
    with pytest.raises(ValueError, match=message):
        klom(unlearned, retrained)


def test_impossible_percentiles_are_refused():
    """A percentile lies between 0 and 100."""
    with pytest.raises(ValueError, match=r"in \[0, 100\]"):
        klom_percentiles([1.0], [101])
