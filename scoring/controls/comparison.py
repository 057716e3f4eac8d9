"""Compare how well a submission does on its challenge and on control problems that it cannot know.

A control problem is drawn by the same rule as the challenge, from the same data, and has an original network
and references of its own. A method that unlearns does about as well on it; networks or answers that were
prepared for the challenge are of no use there.

What is compared is the share of the ceiling, at equal numbers of runs and references on which F depends.
Between problems it varies less than the epsilon of a method: of methods that hardly forget it is near 0
everywhere, while their epsilons depend on which examples were drawn.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from scoring.checks import FloatArray
from scoring.epsilon.held_out import held_out_epsilon
from scoring.outputs import Outputs
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling

MIN_RUNS = 8
MIN_REFERENCES = 8
MIN_EXAMPLES = 20
"""Minimum number of forget examples of each problem. F is their mean, so with fewer it varies more by chance
than the limit allows: of honest retrainings with 1, 3, 5 and 10 examples 59 of 200, 9 of 60, 6 of 60 and
3 of 100 exceeded that of one control problem, with 20 none of 60."""
SAMPLES = 4
"""Random samples of equal size, over which the figures of a problem are averaged: on the challenge, where an
evaluation has four times as many runs, they have no run in common."""
PROBLEM_SPREAD = 0.08
"""Standard deviation of an honest method's share of the ceiling from one problem to the next: the largest
that was measured (docs/metrics.md), rounded up."""
RUNS_SPREAD = 0.10
"""The same on one problem, from 16 runs to the next 16."""
QUANTILE = 2.6
"""How many standard deviations the limit is away: 2.33 would be 1 % of a normal distribution, and the rest is
a margin for methods and data that were not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFigures:
    """How well a submission does on one problem, with as many runs and references as on the others."""

    epsilon: float
    """Mean held-out epsilon of the forget examples, in nats."""

    forgetting_quality: float
    """F of so many runs and references, in [0, 1]."""

    share: float
    """F divided by the ceiling of so many runs and references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlComparison:
    """A submission on its challenge and on control problems."""

    runs: int
    """Number of runs on each problem that the figures are computed from."""

    references: int
    """Number of references of each problem that the figures are computed from."""

    ceiling: float
    """F of retraining with so many runs and references, measured on the challenge."""

    challenge: ProblemFigures
    """Of the challenge."""

    controls: tuple[ProblemFigures, ...]
    """Of each control problem."""

    advantage: float
    """Share of the ceiling on the challenge minus the mean share on the control problems; about 0 for a
    method that unlearns."""

    limit: float
    """Chosen so that fewer than 1 in 100 honest submissions exceed it."""

    flagged: bool
    """Whether the advantage exceeds the limit."""

    @property
    def sentence(self) -> str:
        """The comparison in one sentence."""
        share = float(np.mean([control.share for control in self.controls]))
        return (
            f"On the challenge the forgetting quality is {self.challenge.share:.0%} of the ceiling, on "
            f"control problems that nobody knows {share:.0%} (with {self.runs} runs and {self.references} "
            f"references on each). An advantage above {self.limit:.0%} suggests that something was prepared "
            "for this forget set: the limit is chosen so that fewer than 1 in 100 honest submissions exceed "
            "it by chance."
        )


def compare_outputs(
    challenge: tuple[Outputs, Outputs], controls: Sequence[tuple[Outputs, Outputs]], *, seed: int
) -> ControlComparison:
    """Return the comparison of outputs of runs and of references (`compare_with_controls`)."""
    of_challenge, *of_controls = (
        (unlearned.confidences(), references.confidences())
        for unlearned, references in (challenge, *controls)
    )
    return compare_with_controls(of_challenge, of_controls, seed=seed)


def compare_with_controls(
    challenge: tuple[FloatArray, FloatArray],
    controls: Sequence[tuple[FloatArray, FloatArray]],
    *,
    seed: int,
) -> ControlComparison:
    """Return the comparison at equal numbers of runs and references.

    Args:
        challenge: Confidences under the unlearned models and the references. Shapes [n, examples] and
            [m, examples].
        controls: The same for each control problem, one or more; all sizes may differ.
        seed: Seed of the random samples and halves.

    Raises:
        ValueError: there are no control problems, too few models of a kind, or too few forget examples.
    """
    if not controls:
        raise ValueError("There are no control problems.")
    problems = [challenge, *controls]
    runs = min(len(unlearned) for unlearned, _retrained in problems)
    references = min(len(retrained) for _unlearned, retrained in problems)
    if runs < MIN_RUNS or references < MIN_REFERENCES:
        raise ValueError(
            f"A comparison with control problems needs {MIN_RUNS} runs and {MIN_REFERENCES} references on "
            f"each, not {runs} and {references}."
        )
    examples = min(unlearned.shape[1] for unlearned, _retrained in problems)
    if examples < MIN_EXAMPLES:
        raise ValueError(
            f"There are too few forget examples for a comparison with control problems: {examples}, and each "
            f"problem needs {MIN_EXAMPLES}."
        )
    top = ceiling(next(_blocks(challenge[1], references, seed)), runs, seed=seed).quality.estimate
    if top == 0:
        raise ValueError("The ceiling is zero, so no share of it is defined.")
    figures = [
        problem_figures(*problem, runs=runs, references=references, ceiling=top, seed=seed)
        for problem in problems
    ]
    samples = min(SAMPLES, len(challenge[0]) // runs)
    return judge(figures, runs=runs, references=references, ceiling=top, samples=samples)


def problem_figures(
    unlearned: FloatArray, retrained: FloatArray, *, runs: int, references: int, ceiling: float, seed: int
) -> ProblemFigures:
    """Return the figures of one problem, averaged over random samples of its runs and references.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= ``runs``.
        retrained: Confidences under the references. Shape [m, examples], m >= ``references``.
        runs: Size of each sample of runs.
        references: Size of each sample of references.
        ceiling: F of retraining at these sizes, above 0.
        seed: Seed of the random samples and halves.
    """
    samples = list(
        zip(
            _blocks(unlearned, runs, seed),
            _blocks(retrained, references, seed + 1),
            range(SAMPLES),
            strict=False,
        )
    )
    epsilon = np.mean([held_out_epsilon(some, others, seed=seed + k).mean() for some, others, k in samples])
    if (len(unlearned), len(retrained)) == (runs, references):
        samples = samples[:1]  # each has all models, in another order
    quality = np.mean([forgetting_quality(published_epsilon(*sample[:2]), runs) for sample in samples])
    return ProblemFigures(
        epsilon=float(epsilon), forgetting_quality=float(quality), share=float(quality) / ceiling
    )


def judge(
    figures: Sequence[ProblemFigures], *, runs: int, references: int, ceiling: float, samples: int = SAMPLES
) -> ControlComparison:
    """Return the comparison of figures that were computed from as many runs and references.

    Args:
        figures: Of the challenge, and of one or more control problems.
        runs: Number of runs on each problem.
        references: Number of references of each problem.
        ceiling: F of retraining at these sizes.
        samples: How many samples without a run in common the share on the challenge is the mean of.
    """
    challenge, *controls = figures
    advantage = challenge.share - float(np.mean([control.share for control in controls]))
    limit = advantage_limit(len(controls), samples)
    return ControlComparison(
        runs=runs,
        references=references,
        ceiling=ceiling,
        challenge=challenge,
        controls=tuple(controls),
        advantage=advantage,
        limit=limit,
        flagged=advantage > limit,
    )


def advantage_limit(controls: int, samples: int) -> float:
    """Return the largest advantage that is no suspicion.

    Args:
        controls: Number of control problems.
        samples: How many samples without a run in common the share on the challenge is the mean of.
    """
    return QUANTILE * math.hypot(
        PROBLEM_SPREAD * math.sqrt(1 + 1 / controls), RUNS_SPREAD * math.sqrt(1 / samples + 1 / controls)
    )


def _blocks(values: FloatArray, size: int, seed: int) -> Iterator[FloatArray]:
    """Yield blocks of rows in random order without an end: no row occurs again before all others have."""
    order = np.random.default_rng(seed).permutation(len(values))
    for block in count():
        yield values[order[np.arange(block * size, (block + 1) * size) % len(values)]]
