"""The parts of a card that come from probes, and the nulls of parts that have none of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypedDict, TypeVar

from scoring.baselines.accuracies import split_accuracies
from scoring.checks import FloatArray
from scoring.outputs import SPLITS, Outputs
from scoring.probes.contrast import Gap, gap
from scoring.probes.features import FeatureDistance, feature_distance
from scoring.probes.mislabelled import Mislabelled, mislabelled
from scoring.probes.nulls import Nulls, nulls
from scoring.probes.over_unlearning import OverUnlearning, over_unlearning
from scoring.probes.relearning import Relearning, relearning
from scoring.probes.residual import ResidualKnowledge, residual_knowledge
from scoring.probes.strata import ExposureStrata, exposure_strata

T = TypeVar("T")


class Compute(Protocol):
    """Returns the part that a function computes, or None, recording the reason under the part's name."""

    def __call__(self, name: str, function: Callable[[], T], /) -> T | None:
        """Return the part or None."""


class ProbeParts(TypedDict):
    """Fields of `scoring.card.card.ScoreCard`, in its order."""

    nulls: Nulls | None
    membership_gap: Gap | None
    relearning: Relearning | None
    residual_knowledge: tuple[ResidualKnowledge, ...] | None
    features: FeatureDistance | None
    over_unlearning: OverUnlearning | None
    strata: ExposureStrata | None
    mislabelled: Mislabelled | None


def probe_parts(
    compute: Compute,
    unlearned: Outputs,
    references: Outputs,
    *,
    confidences: tuple[FloatArray, FloatArray],
    held_out: FloatArray | None,
    loss_attack: tuple[FloatArray, FloatArray] | None,
    seed: int,
    confidence: float,
) -> ProbeParts:
    """Return all parts of this module; a part without its inputs is None.

    Args:
        compute: Catches the errors of a part.
        unlearned: Outputs of the submission's runs.
        references: Outputs of the references.
        confidences: Of unlearned models and references. Shapes [n, examples] and [m, examples].
        held_out: Held-out epsilon of each example. Shape [examples].
        loss_attack: Accuracy of the attack on losses, on unlearned models and on references. Shapes [n]
            and [m].
        seed: Seed of all random choices.
        confidence: Of all intervals, in (0, 1).
    """
    labels, (first, second) = unlearned.labels, confidences

    def of_losses() -> Gap:
        if loss_attack is None:
            raise ValueError("It needs the starting kit's attack on losses.")
        return gap(*loss_attack, confidence=confidence)

    return ProbeParts(
        nulls=compute(
            "nulls",
            lambda: nulls(
                first,
                second,
                _accuracies(unlearned),
                _accuracies(references),
                seed=seed,
                confidence=confidence,
            ),
        ),
        membership_gap=compute("membership_gap", of_losses),
        relearning=compute(
            "relearning",
            lambda: relearning(
                unlearned.probes,
                references.probes,
                labels,
                logits=(unlearned.logits, references.logits),
                confidences=confidences,
                confidence=confidence,
            ),
        ),
        residual_knowledge=compute(
            "residual_knowledge",
            lambda: residual_knowledge(
                unlearned.probes,
                references.probes,
                labels,
                logits=(unlearned.logits, references.logits),
                confidence=confidence,
            ),
        ),
        features=compute(
            "features",
            lambda: feature_distance(
                unlearned.probes, references.probes, labels, seed=seed, confidence=confidence
            ),
        ),
        over_unlearning=compute(
            "over_unlearning",
            lambda: over_unlearning(unlearned.probes, references.probes, seed=seed, confidence=confidence),
        ),
        strata=compute(
            "strata",
            lambda: exposure_strata(
                first,
                second,
                _original(unlearned, references),
                labels,
                held_out,
                seed=seed,
                confidence=confidence,
            ),
        ),
        mislabelled=compute(
            "mislabelled",
            lambda: mislabelled(
                first,
                second,
                unlearned_logits=unlearned.logits,
                reference_logits=references.logits,
                labels=labels,
                marks=references.mislabelled if unlearned.mislabelled is None else unlearned.mislabelled,
                seed=seed,
                confidence=confidence,
            ),
        ),
    )


def _accuracies(outputs: Outputs) -> FloatArray:
    """Return accuracies on forget, retain and test. Shape [models, 3]."""
    order = [SPLITS.index(split) for split in ("forget", "retain", "test")]
    accuracies: FloatArray = split_accuracies(outputs.correct, outputs.class_counts)[:, order]
    return accuracies


def _original(unlearned: Outputs, references: Outputs) -> FloatArray | None:
    """Return the original network's logits, which may stand on either side."""
    return references.original_logits if unlearned.original_logits is None else unlearned.original_logits
