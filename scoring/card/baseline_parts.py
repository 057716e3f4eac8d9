"""The parts of a card that others' evaluations would have: KLoM, the attack on losses, ToW."""

from __future__ import annotations

import numpy as np

from scoring.baselines.accuracies import split_accuracies
from scoring.baselines.klom import PERCENTILES, klom, klom_percentiles
from scoring.baselines.margin import classification_margin, cross_entropy
from scoring.baselines.mia import loss_mia
from scoring.baselines.tow import tug_of_war
from scoring.card.card import KlomPart, MembershipPart
from scoring.checks import FloatArray
from scoring.outputs import SPLITS, Outputs


def margins_of(outputs: Outputs) -> FloatArray:
    """Return the margins, shape [models, examples]; one model at a time, to limit memory."""
    return np.stack([classification_margin(of_model, outputs.labels) for of_model in outputs.logits])


def klom_part(unlearned: FloatArray, references: FloatArray) -> KlomPart:
    """Return the divergence of margins between unlearned models and references. Shapes [models, examples]."""
    divergence = klom(unlearned, references)
    percentiles = klom_percentiles(divergence)
    return KlomPart(
        mean=float(divergence.mean()),
        percentiles={
            f"{percentile:g}": float(value)
            for percentile, value in zip(PERCENTILES, percentiles, strict=True)
        },
    )


def loss_accuracies(
    unlearned: Outputs, references: Outputs, margins: tuple[FloatArray, FloatArray], seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return the accuracy of the attack on each unlearned model and on each reference."""
    if unlearned.unseen_losses is None or references.unseen_losses is None:
        raise ValueError("The losses on unseen examples are unknown.")
    return (
        loss_mia(cross_entropy(margins[0]), unlearned.unseen_losses, seed=seed),
        loss_mia(cross_entropy(margins[1]), references.unseen_losses, seed=seed),
    )


def membership_part(of_unlearned: FloatArray, of_references: FloatArray) -> MembershipPart:
    """Return the attack on losses in figures, from its accuracy on each model. Shapes [models]."""
    return MembershipPart(
        mean=float(of_unlearned.mean()),
        deviation=float(of_unlearned.std(ddof=1)),
        reference_mean=float(of_references.mean()),
        reference_deviation=float(of_references.std(ddof=1)),
    )


def tug_of_war_part(unlearned: Outputs, references: Outputs) -> float:
    """Return ToW, in [0, 1]."""
    accuracies, reference_accuracies = (
        split_accuracies(outputs.correct, outputs.class_counts) for outputs in (unlearned, references)
    )
    forget, retain, test = (SPLITS.index(split) for split in ("forget", "retain", "test"))
    return tug_of_war(
        unlearned_forget=accuracies[:, forget],
        unlearned_retain=accuracies[:, retain],
        unlearned_test=accuracies[:, test],
        reference_forget=reference_accuracies[:, forget],
        reference_retain=reference_accuracies[:, retain],
        reference_test=reference_accuracies[:, test],
    )
