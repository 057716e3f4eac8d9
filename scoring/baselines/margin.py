"""The margin of the true label's logit over all other logits, and the loss that follows from it."""

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import FloatArray, finite_array, labelled_logits


def classification_margin(logits: ArrayLike, labels: ArrayLike) -> FloatArray:
    """Return ``logit of the label - log(sum of exp of the other logits)``, in float64.

    This is ``log(p_label / (1 - p_label))``, the same quantity as the logit-scaled
    confidence, without its bounds: the confidence adds 1e-45 to both probabilities and
    exponentiates in the logits' own type, so it stays within 103.617. Below about 87, where
    float32 still has all its digits, the two differ only by rounding. Clipped to [-100, 100], as in
    KLoM, they hardly differ.

    Args:
        logits: Raw outputs of the network, floating. Shape [..., classes], classes >= 2.
        labels: The true class of each example, integers in [0, classes). Shape [...].

    Returns:
        Shape [...], float64, unbounded.

    Raises:
        ValueError: the logits are not floating, have fewer than two classes, are empty or not
            finite; the labels are not integers, have another shape, or are out of range.

    Source:
        Definition of the margin in "Attribute-to-Delete", arXiv 2410.23232.
    """
    raw, true = labelled_logits(logits, labels)
    position = true[..., np.newaxis]
    others = raw.astype(np.float64)
    right = np.take_along_axis(others, position, axis=-1)[..., 0]
    np.put_along_axis(others, position, -np.inf, axis=-1)
    highest = others.max(axis=-1)
    others -= highest[..., np.newaxis]
    with np.errstate(under="ignore"):
        return np.asarray(right - highest - np.log(np.exp(others).sum(axis=-1)), dtype=np.float64)


def cross_entropy(margins: ArrayLike) -> FloatArray:
    """Return the loss ``-log p_label`` of each margin, in nats, 0 or more.

    The loss is ``log(1 + exp(-margin))``, so the margin suffices and no logits are needed.

    Args:
        margins: Margins from `classification_margin`. Shape [models, examples].

    Raises:
        ValueError: a shape is wrong or a value is NaN or infinite.
    """
    values = finite_array(margins, name="The margins", axes=("models", "examples"))
    with np.errstate(under="ignore"):
        return np.asarray(np.logaddexp(0.0, -values), dtype=np.float64)
