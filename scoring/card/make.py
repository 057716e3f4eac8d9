"""Computation of a score card from the outputs of unlearned models and references."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.baselines.accuracies import accuracy_table, split_accuracies
from scoring.baselines.klom import PERCENTILES, klom, klom_percentiles
from scoring.baselines.margin import classification_margin, cross_entropy
from scoring.baselines.mia import loss_mia
from scoring.baselines.run_time import RunTime, run_time
from scoring.baselines.tow import tug_of_war
from scoring.baselines.ulira import u_lira
from scoring.card.card import (
    SCHEMA_VERSION,
    ExactPart,
    HeldOutPart,
    KlomPart,
    MembershipPart,
    ScoreCard,
)
from scoring.card.flags import card_flags
from scoring.card.probe_parts import probe_parts
from scoring.checks import FloatArray
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.flags.find import find_flags
from scoring.flags.joint_attack import FOLDS, JointAttack, joint_attack
from scoring.outputs import SPLITS, Outputs, check_comparable
from scoring.published.epsilon import forgetting_quality
from scoring.published.score import score_of_confidences
from scoring.statistics.ceiling import ceiling, share_of_ceiling
from scoring.statistics.interval import CONFIDENCE
from scoring.statistics.uncertainty import score_uncertainty

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CardOptions:
    """Options of a score card.

    Raises:
        ValueError: the seed or the confidence is out of range, or the time is not positive and finite.
    """

    seed: int | None = None
    """Seed of all random halves, folds and permutations, from 0 to 2^32 - 1. None derives it from the
    outputs: a run knows its own position among the runs, so with halves that are known in advance a
    submission could behave differently in the two halves."""

    confidence: float = CONFIDENCE
    """Confidence of all intervals and certified bounds, in (0, 1)."""

    retraining_seconds: float | None = None
    """Time of one retraining on the machine of the runs. None uses the references' own times, if they
    are known."""

    def __post_init__(self) -> None:
        """Check all options."""
        if self.seed is not None and not 0 <= self.seed < 1 << 32:
            raise ValueError(f"The seed must be zero or more and below 2^32, not {self.seed}.")
        if not 0 < self.confidence < 1:
            raise ValueError(f"The confidence must lie in (0, 1), but it is {self.confidence}.")
        if self.retraining_seconds is not None and not 0 < self.retraining_seconds < float("inf"):
            raise ValueError(
                f"The retraining time must be above zero and finite, not {self.retraining_seconds} s."
            )


def score_card(unlearned: Outputs, references: Outputs, options: CardOptions | None = None) -> ScoreCard:
    """Return all numbers on one submission.

    A part is None if there are too few models or examples for it, or if its inputs are unknown;
    `ScoreCard.omitted` has the reason. The published score is always present.

    Args:
        unlearned: Outputs of the submission's runs, two or more.
        references: Outputs of models that were retrained without the forget set, two or more; their
            number may differ.
        options: Seed, confidence and the time of retraining.

    Raises:
        ValueError: the populations were not evaluated on the same examples, or the references have no
            correct answer on retain or test.
    """
    check_comparable(unlearned, references)
    with threadpool_limits(1):  # small matrices: more threads wait for each other and round differently
        return _score_card(unlearned, references, options or CardOptions())


def _score_card(unlearned: Outputs, references: Outputs, options: CardOptions) -> ScoreCard:
    confidences, reference_confidences = unlearned.confidences(), references.confidences()
    unlearned_accuracies, reference_accuracies = unlearned.accuracies(), references.accuracies()
    published = score_of_confidences(
        confidences,
        reference_confidences,
        unlearned_accuracies=unlearned_accuracies,
        reference_accuracies=reference_accuracies,
    )
    n, confidence = unlearned.models, options.confidence
    seed = seed_of(unlearned, references) if options.seed is None else options.seed
    parts = _Parts()
    uncertainty = parts.compute(
        "uncertainty",
        lambda: score_uncertainty(
            unlearned=confidences,
            retrained=reference_confidences,
            unlearned_accuracies=unlearned_accuracies,
            reference_accuracies=reference_accuracies,
            seed=seed,
            confidence=confidence,
        ),
    )
    limit = parts.compute(
        "ceiling", lambda: ceiling(reference_confidences, n, seed=seed, confidence=confidence)
    )
    share = None
    if uncertainty is None or limit is None:
        parts.omitted["share_of_ceiling"] = "It needs both the uncertainty and the ceiling."
    else:
        quality, top = uncertainty.forgetting_quality, limit
        share = parts.compute(
            "share_of_ceiling", lambda: share_of_ceiling(quality, top, confidence=confidence)
        )
    held_out = parts.compute(
        "held_out", lambda: _held_out(confidences, reference_confidences, seed, confidence)
    )
    joint = parts.compute("joint", lambda: _joint(confidences, reference_confidences, seed))
    run_times = parts.compute("run_time", lambda: _run_time(unlearned, references, options))
    exact = exact_epsilon(confidences, reference_confidences)
    lira = parts.compute("u_lira", lambda: u_lira(confidences, reference_confidences, seed=seed))
    margins = _margins(unlearned), _margins(references)
    loss_attack = parts.compute("membership", lambda: _loss_attack(unlearned, references, margins, seed))
    return ScoreCard(
        schema_version=SCHEMA_VERSION,
        n=n,
        references=references.models,
        examples=int(confidences.shape[1]),
        classes=int(unlearned.logits.shape[2]),
        seed=seed,
        confidence=confidence,
        published=published,
        uncertainty=uncertainty,
        ceiling=limit,
        share_of_ceiling=share,
        exact=ExactPart(
            epsilon=exact,
            epsilon_mean=float(exact.mean()),
            forgetting_quality=forgetting_quality(exact, n),
        ),
        held_out=held_out,
        joint=joint,
        klom=_klom(*margins),
        u_lira=lira,
        membership=_membership(*loss_attack) if loss_attack is not None else None,
        tug_of_war=_tug_of_war(unlearned, references),
        accuracies=accuracy_table(
            unlearned_correct=unlearned.correct,
            reference_correct=references.correct,
            class_counts=unlearned.class_counts,
        ),
        run_time=run_times,
        **probe_parts(
            parts.compute,
            unlearned,
            references,
            confidences=(confidences, reference_confidences),
            held_out=held_out.epsilon if held_out is not None else None,
            loss_attack=loss_attack,
            seed=seed,
            confidence=confidence,
        ),
        flags=tuple(
            card_flags(
                find_flags(confidences, reference_confidences, seed=seed),
                joint,
                held_out,
                run_times,
                _retraining_seconds(references, options),
            )
        ),
        omitted=parts.omitted,
    )


def seed_of(unlearned: Outputs, references: Outputs) -> int:
    """Return a seed derived from the outputs: equal outputs give equal seeds; no run knows it in advance."""
    digest = hashlib.sha256()
    for outputs in (unlearned, references):
        digest.update(np.ascontiguousarray(outputs.logits).tobytes())
    return int.from_bytes(digest.digest()[:4], "big")


class _Parts:
    """Computes the parts of a card, and records the reason for each part that cannot be computed."""

    def __init__(self) -> None:
        self.omitted: dict[str, str] = {}

    def compute(self, name: str, function: Callable[[], T]) -> T | None:
        try:
            return function()
        except ValueError as error:
            self.omitted[name] = str(error)
            return None


def _joint(unlearned: FloatArray, retrained: FloatArray, seed: int) -> JointAttack:
    if min(len(unlearned), len(retrained)) < FOLDS:
        raise ValueError(f"The joint attack needs {FOLDS} models on each side.")
    return joint_attack(unlearned, retrained, seed=seed)


def _held_out(unlearned: FloatArray, retrained: FloatArray, seed: int, confidence: float) -> HeldOutPart:
    epsilon = held_out_epsilon(unlearned, retrained, seed=seed)
    certified = certified_epsilon(unlearned, retrained, confidence=confidence, seed=seed)
    return HeldOutPart(
        epsilon=epsilon,
        epsilon_mean=float(epsilon.mean()),
        certified=certified,
        certified_most=float(certified.max()),
        certified_examples=int((certified > 0).sum()),
    )


def _margins(outputs: Outputs) -> FloatArray:
    """Return the margins, shape [models, examples]; one model at a time, to limit memory."""
    return np.stack([classification_margin(of_model, outputs.labels) for of_model in outputs.logits])


def _klom(unlearned: FloatArray, references: FloatArray) -> KlomPart:
    divergence = klom(unlearned, references)
    percentiles = klom_percentiles(divergence)
    return KlomPart(
        mean=float(divergence.mean()),
        percentiles={
            f"{percentile:g}": float(value)
            for percentile, value in zip(PERCENTILES, percentiles, strict=True)
        },
    )


def _loss_attack(
    unlearned: Outputs, references: Outputs, margins: tuple[FloatArray, FloatArray], seed: int
) -> tuple[FloatArray, FloatArray]:
    """Return the accuracy of the attack on each unlearned model and on each reference."""
    if unlearned.unseen_losses is None or references.unseen_losses is None:
        raise ValueError("The losses on unseen examples are unknown.")
    return (
        loss_mia(cross_entropy(margins[0]), unlearned.unseen_losses, seed=seed),
        loss_mia(cross_entropy(margins[1]), references.unseen_losses, seed=seed),
    )


def _membership(of_unlearned: FloatArray, of_references: FloatArray) -> MembershipPart:
    return MembershipPart(
        mean=float(of_unlearned.mean()),
        deviation=float(of_unlearned.std(ddof=1)),
        reference_mean=float(of_references.mean()),
        reference_deviation=float(of_references.std(ddof=1)),
    )


def _tug_of_war(unlearned: Outputs, references: Outputs) -> float:
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


def _run_time(unlearned: Outputs, references: Outputs, options: CardOptions) -> RunTime:
    if unlearned.seconds is None:
        raise ValueError("The times of the runs are unknown.")
    retraining = references.seconds if options.retraining_seconds is None else [options.retraining_seconds]
    if retraining is None:
        raise ValueError("The retraining time is unknown.")
    return run_time(unlearned.seconds, retraining)


def _retraining_seconds(references: Outputs, options: CardOptions) -> float | None:
    if options.retraining_seconds is not None:
        return options.retraining_seconds
    return float(np.median(references.seconds)) if references.seconds is not None else None
