"""Computation of a score card from the outputs of unlearned models and references."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from scoring.baselines.accuracies import accuracy_table
from scoring.baselines.run_time import RunTime, run_time
from scoring.baselines.ulira import u_lira
from scoring.card.baseline_parts import (
    klom_part,
    loss_accuracies,
    margins_of,
    membership_part,
    tug_of_war_part,
)
from scoring.card.card import (
    SCHEMA_VERSION,
    ExactPart,
    HeldOutPart,
    ScoreCard,
)
from scoring.card.flags import card_flags
from scoring.card.options import CardOptions
from scoring.card.probe_parts import probe_parts
from scoring.checks import FloatArray
from scoring.controls.comparison import ControlComparison, compare_outputs
from scoring.epsilon.exact import exact_epsilon
from scoring.epsilon.held_out import certified_epsilon, held_out_epsilon
from scoring.flags.find import find_flags
from scoring.flags.joint_attack import FOLDS, JointAttack, joint_attack
from scoring.flags.mmd import Pool, pool_checkpoints
from scoring.flags.too_close import find_too_close
from scoring.outputs import Outputs, check_comparable
from scoring.published.epsilon import forgetting_quality
from scoring.published.score import score_of_confidences
from scoring.statistics.ceiling import ceiling, share_of_ceiling
from scoring.statistics.uncertainty import score_uncertainty

T = TypeVar("T")

Controls = Sequence[tuple[Outputs, Outputs]]


def score_card(
    unlearned: Outputs,
    references: Outputs,
    options: CardOptions | None = None,
    *,
    controls: Controls | Callable[[], Controls] = (),
) -> ScoreCard:
    """Return all numbers on one submission.

    A part is None if there are too few models or examples for it, or if its inputs are unknown;
    `ScoreCard.omitted` has the reason. The published score is always present.

    Args:
        unlearned: Outputs of the submission's runs, two or more.
        references: Outputs of models that were retrained without the forget set, two or more; their
            number may differ.
        options: Seed, confidence and the time of retraining.
        controls: Outputs of the submission's runs on each control problem, and of its references; or a
            function that returns them. If it raises a ValueError, the comparison is omitted.

    Raises:
        ValueError: the populations were not evaluated on the same examples, or the references have no
            correct answer on retain or test.
    """
    check_comparable(unlearned, references)
    second_core = ThreadPoolExecutor(1)
    try:
        with threadpool_limits(1):  # small matrices: more threads wait for each other and round differently
            return _score_card(unlearned, references, options or CardOptions(), controls, second_core)
    finally:
        second_core.shutdown(cancel_futures=True)


def _score_card(
    unlearned: Outputs,
    references: Outputs,
    options: CardOptions,
    controls: Controls | Callable[[], Controls],
    second_core: Executor,
) -> ScoreCard:
    """Return the card; two parts that need no others are computed by a second thread at the same time."""
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
    pool = pool_checkpoints(confidences, reference_confidences)
    joint_attack_result = second_core.submit(_joint, confidences, reference_confidences, seed, pool)
    margins = margins_of(unlearned), margins_of(references)
    loss_attack_result = second_core.submit(loss_accuracies, unlearned, references, margins, seed)
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
    joint = parts.compute("joint", joint_attack_result.result)
    run_times = parts.compute("run_time", lambda: _run_time(unlearned, references, options))
    on_controls = parts.compute("controls", lambda: _on_controls((unlearned, references), controls, seed))
    exact = exact_epsilon(confidences, reference_confidences)
    lira = parts.compute("u_lira", lambda: u_lira(confidences, reference_confidences, seed=seed))
    loss_attack = parts.compute("membership", loss_attack_result.result)
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
        klom=klom_part(*margins),
        u_lira=lira,
        membership=membership_part(*loss_attack) if loss_attack is not None else None,
        tug_of_war=tug_of_war_part(unlearned, references),
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
        controls=on_controls,
        flags=tuple(
            card_flags(
                (
                    find_too_close(
                        confidences,
                        reference_confidences,
                        quality=published.forgetting_quality,
                        limit=limit,
                        joint_p=None if joint is None else joint.p_value_smaller,
                        seed=seed,
                        pool=pool,
                    ),
                    *find_flags(confidences, reference_confidences, seed=seed),
                ),
                joint,
                held_out,
                run_times,
                _retraining_seconds(references, options),
                controls=on_controls,
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


def _on_controls(
    challenge: tuple[Outputs, Outputs], controls: Controls | Callable[[], Controls], seed: int
) -> ControlComparison | None:
    """Return the comparison, None without control problems; what is wrong with them costs nothing else."""
    loaded = controls() if callable(controls) else controls
    if not loaded:
        return None
    for pair in loaded:
        check_comparable(*pair)
    return compare_outputs(challenge, loaded, seed=seed)


def _joint(unlearned: FloatArray, retrained: FloatArray, seed: int, pool: Pool) -> JointAttack:
    if min(len(unlearned), len(retrained)) < FOLDS:
        raise ValueError(f"The joint attack needs {FOLDS} models on each side.")
    return joint_attack(unlearned, retrained, seed=seed, pool=pool)


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


def _run_time(unlearned: Outputs, references: Outputs, options: CardOptions) -> RunTime:
    if unlearned.seconds is None:
        raise ValueError("The times of the runs are unknown.")
    retraining = references.seconds if options.retraining_seconds is None else [options.retraining_seconds]
    if retraining is None:
        raise ValueError("The retraining time is unknown.")
    return run_time(
        unlearned.seconds,
        retraining,
        allowed=options.retraining_fraction,
        processor_seconds=unlearned.processor_seconds,
        retraining_processor_seconds=options.retraining_processor_seconds,
        empty_run_processor_seconds=options.empty_run_processor_seconds,
    )


def _retraining_seconds(references: Outputs, options: CardOptions) -> float | None:
    if options.retraining_seconds is not None:
        return options.retraining_seconds
    return float(np.median(references.seconds)) if references.seconds is not None else None
