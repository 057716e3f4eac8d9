"""Logit-scaled confidence: how sure a model is of the true label, as a log-odds."""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, labelled_logits

_TINY = 1e-45
"""Added inside both logarithms; a normal number in float64. It sets the bound of 103.617."""


def logit_scaled_confidence(logits: ArrayLike, labels: ArrayLike) -> FloatArray:
    """Return ``log(p_label + 1e-45) - log(sum of the other p + 1e-45)`` for each example.

    The number types are part of the definition, because they decide where the value saturates.
    The row's maximum is subtracted and the difference exponentiated in the logits' own
    type (float32 stays float32, and there a logit about 104 below the maximum becomes
    probability 0); the exponentials then become float64, are divided by their sum in
    float64, and both logarithms are taken in float64. The wrong classes are summed with
    the true class set to zero, never as ``1 - p``, which would lose small sums.

    Args:
        logits: Raw outputs of the network, floating. Shape [..., classes], classes >= 2.
        labels: The true class of each example, integers in [0, classes). Shape [...].

    Returns:
        Shape [...], float64, in [-103.617, 103.617].

    Raises:
        ValueError: the logits are not floating, have fewer than two classes, are empty or not
            finite; the labels are not integers, have another shape, or are out of range.

    Source:
        `compute_logit_scaled_confidence` in google-deepmind/unlearning_evaluation at
        ffae0ff, except that the input is not modified.
    """
    raw, true = labelled_logits(logits, labels)
    # The difference of two finite logits may overflow their type; then exp(-inf) = 0 is right.
    with np.errstate(over="ignore", under="ignore"):
        probabilities = np.exp(raw - raw.max(axis=-1, keepdims=True)).astype(np.float64)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    position = true[..., np.newaxis]
    right = np.take_along_axis(probabilities, position, axis=-1)[..., 0]
    np.put_along_axis(probabilities, position, 0.0, axis=-1)
    wrong = probabilities.sum(axis=-1)
    return np.asarray(np.log(right + _TINY) - np.log(wrong + _TINY), dtype=np.float64)
