"""Mislabelled examples of the forget set, which no network answers as labelled unless it saw them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.epsilon.held_out import held_out_epsilon
from scoring.probes.contrast import Contrast, Gap, contrasts, gap
from scoring.probes.over_unlearning import some_examples
from scoring.statistics.interval import CONFIDENCE

MAX_EXAMPLES = 24
"""Maximum number of mislabelled examples whose epsilon is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mislabelled:
    """The forget examples that were given a wrong label on purpose, apart from all others."""

    examples: int
    """Number of such examples."""

    recalled: Gap
    """Of the share of them that a model answers with the wrong label that they were given, in [-1, 1]."""

    epsilon: Contrast
    """Mean held-out epsilon, from halves of the models, in nats."""


def mislabelled(
    unlearned: FloatArray,
    references: FloatArray,
    *,
    unlearned_logits: NDArray[Any],
    reference_logits: NDArray[Any],
    labels: CountArray,
    marks: NDArray[np.bool_] | None,
    seed: int,
    confidence: float = CONFIDENCE,
) -> Mislabelled:
    """Return how well the mislabelled examples were forgotten.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 32.
        references: Confidences under the references. Shape [m, examples], m >= 32.
        unlearned_logits: On the forget examples. Shape [n, examples, classes].
        reference_logits: Shape [m, examples, classes].
        labels: Label of each forget example as it was trained on. Shape [examples].
        marks: Whether each label is wrong on purpose. Shape [examples].
        seed: Seed of all halves.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: the challenge has no mislabelled examples, or a side has fewer than 32 models.

    Source:
        U-LiRA+ in arXiv 2406.13348: on typical examples an audit overestimates forgetting, because
        retrained networks are confident about them too.
    """
    if marks is None or not marks.any():
        raise ValueError("The challenge has no mislabelled examples.")
    at = np.flatnonzero(marks)
    recalled = gap(
        (unlearned_logits[:, at].argmax(axis=2) == labels[at]).mean(axis=1),
        (reference_logits[:, at].argmax(axis=2) == labels[at]).mean(axis=1),
        resolution=1 / at.size,
        confidence=confidence,
    )
    chosen = at[some_examples(at.size, MAX_EXAMPLES, seed=seed)]

    def mean_epsilon(first: FloatArray, second: FloatArray) -> float:
        return float(held_out_epsilon(first, second, seed=seed).mean())

    (epsilon,) = contrasts(
        mean_epsilon, unlearned[:, chosen], references[:, chosen], seed=seed, confidence=confidence
    )
    return Mislabelled(examples=int(at.size), recalled=recalled, epsilon=epsilon)
