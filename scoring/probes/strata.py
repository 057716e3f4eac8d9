"""Strata of exposure: epsilon of the forget examples that the original network remembered most."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.epsilon.held_out import held_out_epsilon
from scoring.probes.contrast import Contrast, contrasts
from scoring.probes.over_unlearning import some_examples
from scoring.published.confidence import logit_scaled_confidence
from scoring.statistics.interval import CONFIDENCE

STRATA = 10
"""Number of strata, of equal size but for rounding."""

MAX_EXAMPLES = 24
"""Maximum number of the most exposed examples whose epsilon is measured in halves."""

_RELATIVE_FLOOR = 1e-3
_ABSOLUTE_FLOOR = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExposureStrata:
    """Held-out epsilon by how exposed the examples were under the original network."""

    exposure: FloatArray
    """Mean exposure of each stratum, the most exposed first, in the references' deviations. Shape [10]."""

    epsilon: FloatArray
    """Mean held-out epsilon of each stratum, from all models, in nats. Shape [10]."""

    most_exposed: Contrast
    """Mean held-out epsilon of the most exposed tenth of the examples, or of some of them, from halves of the
    models."""


def exposure_strata(
    unlearned: FloatArray,
    references: FloatArray,
    original_logits: NDArray[Any] | None,
    labels: CountArray,
    held_out: FloatArray | None,
    *,
    seed: int,
    confidence: float = CONFIDENCE,
) -> ExposureStrata:
    """Return held-out epsilons in tenths of the forget examples.

    An example's exposure is how far its confidence under the original network lies above those under the
    references, in their standard deviations: the signal of a membership attack before unlearning. For
    the contrast it is measured with the half of the references that both sides are compared with, so
    that the choice of examples favours neither.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 32.
        references: Confidences under the references. Shape [m, examples], m >= 32.
        original_logits: Of the original network. Shape [examples, classes].
        labels: True class of each forget example. Shape [examples].
        held_out: Held-out epsilon of each example, from all models. Shape [examples].
        seed: Seed of all halves.
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: the original network's logits are missing, there are fewer than ten examples, or a side
            has fewer than 32 models.

    Source:
        RULI, arXiv 2506.13009: averages over all examples hide the vulnerable ones.
    """
    if original_logits is None:
        raise ValueError("The challenge has no logits of the original network.")
    if labels.size < STRATA:
        raise ValueError(f"It needs {STRATA} or more forget examples.")
    if held_out is None:
        raise ValueError("It needs the held-out epsilon.")
    original = logit_scaled_confidence(original_logits, labels)

    def of_most_exposed(first: FloatArray, second: FloatArray) -> float:
        most = _strata(exposures(original, second))[0]
        most = most[some_examples(most.size, MAX_EXAMPLES, seed=seed)]
        return float(held_out_epsilon(first[:, most], second[:, most], seed=seed).mean())

    (most_exposed,) = contrasts(of_most_exposed, unlearned, references, seed=seed, confidence=confidence)
    exposure = exposures(original, references)
    strata = _strata(exposure)
    return ExposureStrata(
        exposure=read_only_copy(np.array([exposure[members].mean() for members in strata])),
        epsilon=read_only_copy(np.array([held_out[members].mean() for members in strata])),
        most_exposed=most_exposed,
    )


def exposures(original: FloatArray, references: FloatArray) -> FloatArray:
    """Return how far the original network's confidences lie above the references', in deviations.

    A deviation is at least a thousandth of the mean one, so that saturated examples do not come first by
    rounding.

    Args:
        original: Shape [examples].
        references: Shape [m, examples], m >= 2.

    Returns:
        Shape [examples], of either sign.
    """
    deviation = references.std(axis=0, ddof=1)
    floor = max(_RELATIVE_FLOOR * float(deviation.mean()), _ABSOLUTE_FLOOR)
    exposure: FloatArray = (original - references.mean(axis=0)) / np.maximum(deviation, floor)
    return exposure


def _strata(exposure: FloatArray) -> list[CountArray]:
    """Return the positions of the examples of each stratum, the most exposed first."""
    return np.array_split(np.argsort(-exposure, kind="stable"), STRATA)
