"""Logit-scaled confidence: by hand, at its bounds, and by number type."""

import math

import numpy as np
import pytest

from scoring import logit_scaled_confidence


def test_two_classes_give_the_difference_of_logits():
    """With two classes the confidence is the right logit minus the wrong one."""
    logits = np.array([[0.0, 3.0], [2.0, -1.5]])
    np.testing.assert_allclose(logit_scaled_confidence(logits, [1, 1]), [3, -3.5], atol=1e-12)


def test_uniform_logits_give_the_odds():
    """Equal logits over ten classes give log(1/9), whatever their level."""
    logits = np.full((2, 10), [[0.0], [1e30]], dtype=np.float32)
    np.testing.assert_allclose(logit_scaled_confidence(logits, [0, 9]), -math.log(9), atol=1e-14)


def test_confidence_saturates():
    """Overwhelming logits end at 103.616 either way, without a warning."""
    logits = np.array([[3e38, -3e38, 0.0]] * 2, dtype=np.float32)
    bound = -math.log(1e-45)
    np.testing.assert_allclose(logit_scaled_confidence(logits, [0, 1]), [bound, -bound])


def test_type_of_the_logits_decides_where_small_probabilities_end():
    """A logit 104.5 below the maximum is probability 0 in float32 and a number in float64."""
    logits = np.array([[104.5, 0.0]])
    (single,) = logit_scaled_confidence(logits.astype(np.float32), [1])
    (double,) = logit_scaled_confidence(logits, [1])
    assert single == pytest.approx(math.log(1e-45))
    assert double > single + 0.1


def test_any_leading_axes():
    """Leading axes of models and examples, a flat table and single examples give the same values."""
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 5, size=(3, 4, 10)).astype(np.float32)
    labels = rng.integers(0, 10, size=(3, 4))
    stacked = logit_scaled_confidence(logits, labels)
    flat = logit_scaled_confidence(logits.reshape(12, 10), labels.ravel())
    assert stacked.shape == (3, 4)
    np.testing.assert_allclose(stacked.ravel(), flat, atol=1e-6)
    alone = logit_scaled_confidence(logits[1, 2], labels[1, 2])
    assert float(alone) == pytest.approx(stacked[1, 2], abs=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_inputs_are_only_read(dtype):
    """Logits and labels that refuse writes are accepted and are not changed."""
    logits = np.random.default_rng(1).normal(size=(6, 3)).astype(dtype)
    labels = np.array([0, 1, 2, 0, 1, 2], dtype=np.uint8)
    before = logits.copy()
    logits.flags.writeable = labels.flags.writeable = False
    assert logit_scaled_confidence(logits, labels).dtype == np.float64
    np.testing.assert_array_equal(logits, before)


GOOD = np.zeros((2, 3))


@pytest.mark.parametrize(
    ("logits", "labels", "message"),
    [
        (GOOD.astype(int), [0, 0], "floating point"),
        (GOOD[:, :1], [0, 0], "two or more classes"),
        (0.5, 0, "two or more classes"),
        (GOOD[:0], [], "must not be empty"),
        (np.full((2, 3), np.nan), [0, 0], "must be finite"),
        (np.full((2, 3), -np.inf), [0, 0], "must be finite"),
        (GOOD, [0.0, 1.0], "must be integers"),
        (GOOD, [0], "must have shape"),
        (GOOD, [0, 3], "must lie in 0 to 2"),
        (GOOD, [0, -1], "must lie in 0 to 2"),
        (GOOD, [True, False], "real numbers"),
    ],
)
def test_impossible_inputs_are_refused(logits, labels, message):
    """What cannot be logits and their labels is a ValueError that says why."""
    with pytest.raises(ValueError, match=message):
        logit_scaled_confidence(logits, labels)
