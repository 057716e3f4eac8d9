"""Residual knowledge: forget examples that a network recognises again once they are slightly changed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.probes.arrays import Probes, both
from scoring.probes.contrast import Gap, gap
from scoring.statistics.interval import CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidualKnowledge:
    """Recognition of perturbed copies of the forget examples, at one norm of the perturbation."""

    norm: float
    """Euclidean norm of the noise as a fraction of the example's own."""

    recognised: Gap
    """Share of the copies that a model classifies correctly, in [0, 1]."""

    again: Gap
    """The same, counting only copies of examples that the model does not classify correctly as they are."""


def residual_knowledge(
    unlearned: Probes | None,
    references: Probes | None,
    labels: CountArray,
    *,
    logits: tuple[NDArray[Any], NDArray[Any]],
    confidence: float = CONFIDENCE,
) -> tuple[ResidualKnowledge, ...]:
    """Return for each norm how much more often unlearned models recognise copies than references do.

    Args:
        unlearned: Of the unlearned models, n >= 4.
        references: Of the references, m >= 4.
        labels: True class of each forget example. Shape [examples].
        logits: On the forget examples as they are. Shapes [n, examples, classes] and
            [m, examples, classes].
        confidence: Of the intervals, in (0, 1).

    Raises:
        ValueError: logits of copies are missing, or a side has fewer than four models.

    Source:
        "Residual knowledge" in arXiv 2601.22359, where it is the ratio of the two shares; a difference also
        has a meaning where references recognise nothing.
    """
    copies = both(unlearned, references, "perturbed_logits", fixed="norms")
    sides = [_shares(clean, perturbed, labels) for clean, perturbed in zip(logits, copies, strict=True)]
    step = 1 / labels.size
    norms = () if references is None or references.norms is None else references.norms
    return tuple(
        ResidualKnowledge(
            norm=float(norm),
            recognised=gap(sides[0][0, :, at], sides[1][0, :, at], resolution=step, confidence=confidence),
            again=gap(sides[0][1, :, at], sides[1][1, :, at], resolution=step, confidence=confidence),
        )
        for at, norm in enumerate(norms)
    )


def _shares(logits: NDArray[Any], perturbed: NDArray[Any], labels: CountArray) -> FloatArray:
    """Return shares of recognised copies: all, and of misclassified examples. Shape [2, models, norms]."""
    shares = []
    for clean, copies in zip(logits, perturbed, strict=True):  # a model at a time, for memory
        recognised = (copies.argmax(axis=-1) == labels).mean(axis=1)  # [norms, examples]
        wrong = clean.argmax(axis=-1) != labels
        shares.append((recognised.mean(axis=1), (recognised * wrong).mean(axis=1)))
    return np.array(shares).transpose(1, 0, 2)
