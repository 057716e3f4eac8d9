"""The flags of a score card without its other parts, which take most of a card's time and raise none.

``tests/benchmarks/test_integrity.py`` compares them with those of `scoring.card.make.score_card`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from runner.challenge.limits import SHORT_TRAINING_FRACTION
from scoring.baselines.run_time import RunTime, run_time, slower_retraining
from scoring.card.flags import card_flags
from scoring.card.levels import flag_level
from scoring.card.make import seed_of
from scoring.checks import FloatArray
from scoring.controls.comparison import (
    SAMPLES,
    ControlComparison,
    ProblemFigures,
    judge,
    problem_figures,
)
from scoring.epsilon.held_out import certified_epsilon
from scoring.flags.find import find_flags
from scoring.flags.joint_attack import SIGNIFICANCE
from scoring.flags.mmd import discrepancy_test, pool_checkpoints
from scoring.flags.too_close import find_too_close
from scoring.outputs import Outputs
from scoring.published.score import score_of_confidences
from scoring.statistics.ceiling import Ceiling, ceiling
from scoring.statistics.interval import CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """Processor seconds of the runs of a population."""

    runs: FloatArray
    """Of each run. Shape [n]."""
    retraining: float
    """Of a retraining, timed before these runs, or between them where no `again` is known."""
    again: float | None = None
    """Of a retraining, timed after these runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnControls:
    """Forgetting quality on control problems, which have as many references as the challenge."""

    runs: int
    """Number of runs on each, at most as many as on the challenge."""
    qualities: Sequence[float]
    """F of these runs on each control problem, against all of its references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """Score and flags of an evaluation."""

    score: float
    quality: float
    """The forgetting quality F."""
    notes: list[str]
    """Kinds of the flags that are notes, in alphabetical order."""
    suspicions: list[str]
    """Kinds of the flags that are suspicions or problems, in alphabetical order."""


def raise_flags(
    unlearned: Outputs,
    references: Outputs,
    limit: Ceiling,
    *,
    times: RunTimes | None = None,
    controls: OnControls | None = None,
) -> Raised:
    """Return the flags of an evaluation.

    Args:
        unlearned: Outputs of the runs.
        references: Outputs of networks that were retrained without the forget set.
        limit: The ceiling for so many runs.
        times: Of the runs; None if nothing was run.
        controls: How well the submission does on control problems; None without them.
    """
    with threadpool_limits(1):
        return _raise_flags(unlearned, references, limit, times, controls)


def _raise_flags(
    unlearned: Outputs,
    references: Outputs,
    limit: Ceiling,
    times: RunTimes | None,
    controls: OnControls | None,
) -> Raised:
    confidences, others = unlearned.confidences(), references.confidences()
    seed, pool = seed_of(unlearned, references), pool_checkpoints(confidences, others)
    published = score_of_confidences(
        confidences,
        others,
        unlearned_accuracies=unlearned.accuracies(),
        reference_accuracies=references.accuracies(),
    )
    test_seed = int(np.random.default_rng(seed).integers(2**31, size=3)[2])
    discrepancy = discrepancy_test(pool.kernel, n=pool.n, seed=test_seed)
    too_close = find_too_close(
        confidences,
        others,
        quality=published.forgetting_quality,
        limit=limit,
        joint_p=discrepancy.smaller,
        seed=seed,
        pool=pool,
    )
    flags = card_flags(
        (too_close, *find_flags(confidences, others, seed=seed)),
        None,
        None,
        None if times is None else judged_time(times),
        None if times is None else times.retraining,
        controls=None if controls is None else _compared(confidences, others, controls, seed),
    )
    levels = [(flag.kind, flag_level(flag.kind, flag.sentence)) for flag in flags]
    if discrepancy.larger <= SIGNIFICANCE:
        levels.append(("joint-attack", flag_level("joint-attack", "")))
    if (certified_epsilon(confidences, others, confidence=CONFIDENCE, seed=seed) > 0).any():
        levels.append(("certified", flag_level("certified", "")))
    return Raised(
        score=published.score,
        quality=published.forgetting_quality,
        notes=sorted({kind for kind, level in levels if level == "note"}),
        suspicions=sorted({kind for kind, level in levels if level != "note"}),
    )


def _compared(
    unlearned: FloatArray, retrained: FloatArray, controls: OnControls, seed: int
) -> ControlComparison:
    """Return what `compare_with_controls` returns, without the epsilons of the control problems."""
    runs, references = controls.runs, len(retrained)
    order = np.random.default_rng(seed).permutation(references)
    top = ceiling(retrained[order], runs, seed=seed).quality.estimate
    challenge = problem_figures(
        unlearned, retrained, runs=runs, references=references, ceiling=top, seed=seed
    )
    others = [
        ProblemFigures(epsilon=0.0, forgetting_quality=quality, share=quality / top)
        for quality in controls.qualities
    ]
    samples = min(SAMPLES, len(unlearned) // runs)
    return judge([challenge, *others], runs=runs, references=references, ceiling=top, samples=samples)


def judged_time(times: RunTimes) -> RunTime:
    """Return what an evaluation makes of run times: a second timing counts for runs that look too slow."""
    first = _run_time(times, times.retraining)
    if not first.too_slow:
        return first
    return _run_time(times, slower_retraining(times.retraining, times.again))


def _run_time(times: RunTimes, retraining: float) -> RunTime:
    return run_time(
        times.runs,
        [retraining],
        allowed=SHORT_TRAINING_FRACTION,
        processor_seconds=times.runs,
        retraining_processor_seconds=retraining,
    )
