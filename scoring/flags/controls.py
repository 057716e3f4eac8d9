"""Compare how well a submission does on its challenge and on control problems that it cannot know.

A control problem is drawn by the same rule as the challenge, from the same data, and has an original network
and references of its own. A method that unlearns does about as well on it; networks or answers that were
prepared for the challenge are of no use there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scoring.checks import FloatArray
from scoring.epsilon.held_out import held_out_epsilon
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.statistics.ceiling import ceiling

REPETITIONS = 8
"""Random samples of equal size, over which the figures of a problem are averaged."""
MIN_REFERENCES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFigures:
    """How well a submission does on one problem, with as many runs and references as on the others."""

    epsilon: float
    """Mean held-out epsilon of the forget examples, in nats."""

    standard_error: float
    """Of that mean, from the spread over the examples."""

    forgetting_quality: float
    """F of so many runs and references, in [0, 1]."""

    ceiling: float
    """F of retraining with so many runs and references."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlComparison:
    """A submission on its challenge and on control problems."""

    runs: int
    """Number of runs on each problem that the figures are computed from."""

    references: int
    """Number of references of each problem that the figures are computed from."""

    challenge: ProblemFigures
    """Of the challenge."""

    controls: tuple[ProblemFigures, ...]
    """Of each control problem."""

    advantage: float
    """How many times larger the mean epsilon is on the control problems than on the challenge, as a
    logarithm; about 0 for a method that unlearns."""

    limit: float
    """The advantage that 99 % of honest submissions do not exceed."""

    flagged: bool
    """Whether the advantage exceeds the limit."""

    @property
    def sentence(self) -> str:
        """The comparison in one sentence."""
        mean = float(np.mean([control.epsilon for control in self.controls]))
        return (
            f"On the challenge the checkpoints are closer to references (held-out epsilon "
            f"{self.challenge.epsilon:.2f}) than on control problems that nobody knows ({mean:.2f}, with as "
            f"many runs, {self.runs}, and references, {self.references}): what they were made with may be "
            "known beforehand rather than unlearned. Honest methods are so much better on one of "
            "several problems in less than 1 of 100 submissions."
        )


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
        controls: The same for each control problem; all sizes may differ.
        seed: Seed of the random samples and halves.

    Raises:
        ValueError: there are no control problems, or too few models of a kind.
    """
    if not controls:
        raise ValueError("There are no control problems.")
    problems = [challenge, *controls]
    runs = min(len(unlearned) for unlearned, _retrained in problems)
    references = min(len(retrained) for _unlearned, retrained in problems)
    if runs < 4 or references < MIN_REFERENCES:
        raise ValueError(
            f"Control problems need four runs and {MIN_REFERENCES} references each, not {runs} and "
            f"{references}."
        )
    figures = [
        problem_figures(unlearned, retrained, runs=runs, references=references, seed=seed)
        for unlearned, retrained in problems
    ]
    return judge(figures[0], tuple(figures[1:]), runs=runs, references=references)


def problem_figures(
    unlearned: FloatArray, retrained: FloatArray, *, runs: int, references: int, seed: int
) -> ProblemFigures:
    """Return the figures of one problem, averaged over random samples of its runs and references.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= ``runs``.
        retrained: Confidences under the references. Shape [m, examples], m >= ``references``.
        runs: Size of each sample of runs, 4 or more.
        references: Size of each sample of references, 8 or more.
        seed: Seed of the random samples and halves.
    """
    rng = np.random.default_rng(seed)
    epsilons, qualities = [], []
    for _ in range(REPETITIONS):
        some = unlearned[rng.permutation(len(unlearned))[:runs]]
        others = retrained[rng.permutation(len(retrained))[:references]]
        epsilons.append(held_out_epsilon(some, others, seed=int(rng.integers(1 << 32))))
        qualities.append(forgetting_quality(published_epsilon(some, others), runs))
    of_examples = np.mean(epsilons, axis=0)
    few = retrained[rng.permutation(len(retrained))[:references]]
    return ProblemFigures(
        epsilon=float(of_examples.mean()),
        standard_error=float(of_examples.std(ddof=1) / np.sqrt(of_examples.size)),
        forgetting_quality=float(np.mean(qualities)),
        ceiling=ceiling(few, runs, seed=seed).quality.estimate,
    )


def judge(
    challenge: ProblemFigures, controls: tuple[ProblemFigures, ...], *, runs: int, references: int
) -> ControlComparison:
    """Return the comparison of figures that were computed from as many runs and references.

    Args:
        challenge: Of the challenge.
        controls: Of each control problem, one or more.
        runs: Number of runs on each problem.
        references: Number of references of each problem.
    """
    mean = float(np.mean([control.epsilon for control in controls]))
    advantage = float(np.log(mean / challenge.epsilon))
    limit = 0.5
    return ControlComparison(
        runs=runs,
        references=references,
        challenge=challenge,
        controls=controls,
        advantage=advantage,
        limit=limit,
        flagged=advantage > limit,
    )
