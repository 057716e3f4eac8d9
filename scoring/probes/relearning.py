"""Relearning: what comes back when a network is trained a little further on retain alone.

The answers afterwards are those of a new last layer to copies of the forget examples with a little noise; so
answers of the network before, whatever they hide, play no part in the gaps of what is known afterwards.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.probes.arrays import Probes, both
from scoring.probes.contrast import Gap, gap
from scoring.published.confidence import logit_scaled_confidence
from scoring.statistics.interval import CONFIDENCE

CLIP = 20.0
"""Nats to which confidences are limited on both sides, before and after: they saturate near 104, and one
model of extreme logits would hide the gain of all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relearning:
    """Gain on the forget examples by fine-tuning on retain alone, less the gain of the references."""

    accuracy: Gap
    """Of the gain in accuracy on the forget examples, in [-1, 1]."""

    confidence: Gap
    """Of the gain in mean confidence, in nats, limited to 20 an example; accuracy saturates sooner."""

    accuracy_after: Gap
    """Of the accuracy after fine-tuning: above 0 the models know more of the forget set than references."""

    confidence_after: Gap
    """Of the mean confidence after fine-tuning, in nats: the same, where the accuracy saturates."""


def relearning(
    unlearned: Probes | None,
    references: Probes | None,
    labels: CountArray,
    *,
    logits: tuple[NDArray[Any], NDArray[Any]],
    confidences: tuple[FloatArray, FloatArray],
    confidence: float = CONFIDENCE,
) -> Relearning:
    """Return how much more the unlearned models gain than references do.

    Args:
        unlearned: Of the unlearned models, n >= 4.
        references: Of the references, m >= 4.
        labels: True class of each forget example. Shape [examples].
        logits: On the forget examples, before fine-tuning. Shapes [n, examples, classes] and
            [m, examples, classes].
        confidences: The same as confidences. Shapes [n, examples] and [m, examples].
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: logits after fine-tuning are missing, or a side has fewer than four models.

    Source:
        "From Dormant to Deleted: Tamper-Resistant Unlearning Through Weight-Space Regularization",
        arXiv 2505.22310: after fine-tuning on retain alone, forget accuracy returns from 50 % to almost
        100 %, and stays at 50 % for retrained networks.
    """
    sides = []
    for before_logits, before, after_logits in zip(
        logits, confidences, both(unlearned, references, "relearned_logits"), strict=True
    ):
        accuracy_after = _accuracy(after_logits, labels)
        after = np.array([_clipped(logit_scaled_confidence(each, labels)).mean() for each in after_logits])
        sides.append(
            (
                accuracy_after - _accuracy(before_logits, labels),
                after - _clipped(before).mean(axis=1),
                accuracy_after,
                after,
            )
        )
    steps = 1 / labels.size, 0.0, 1 / labels.size, 0.0
    accuracy, certainty, level, certainty_after = (
        gap(first, second, resolution=step, confidence=confidence)
        for first, second, step in zip(*sides, steps, strict=True)
    )
    return Relearning(
        accuracy=accuracy, confidence=certainty, accuracy_after=level, confidence_after=certainty_after
    )


def _accuracy(logits: NDArray[Any], labels: CountArray) -> FloatArray:
    """Return the accuracy of each model. Shape [models]."""
    accuracy: FloatArray = (logits.argmax(axis=2) == labels).mean(axis=1)
    return accuracy


def _clipped(confidences: FloatArray) -> FloatArray:
    clipped: FloatArray = np.clip(confidences, -CLIP, CLIP)
    return clipped
