"""Which of several submissions is better, and which only had better luck?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.published.score import Accuracies
from scoring.samples import paired_confidences
from scoring.statistics.ranking import Ranking, rank_by_halves

LEAST_MODELS = 16
"""On each side: a half of fewer has hardly a bin of epsilon, and so no score to vary."""

HALVINGS = 16
"""How many random halvings are made; each costs as much as scoring everything twice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelOutputs:
    """What is known of one set of models, a submission's or the references.

    Raises:
        ValueError: the confidences are not a finite array of two axes, or come from another
            number of models than the accuracies.
    """

    confidences: FloatArray
    """On the forget examples. Shape [models, examples]; kept as a read-only float64 copy."""

    accuracies: Accuracies
    """Of the same models, in the same order."""

    def __post_init__(self) -> None:
        """Check the confidences and replace them by a copy of our own."""
        confidences, _ = paired_confidences(self.confidences, self.confidences, least=1)
        if confidences.shape[0] != self.accuracies.retain.size:
            raise ValueError(
                "Confidences and accuracies must come from the same models, not "
                f"{confidences.shape[0]} and {self.accuracies.retain.size}."
            )
        object.__setattr__(self, "confidences", read_only_copy(confidences))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """How several submissions stand to each other, in the order in which they were given."""

    n: int
    """Number of models of each submission."""

    score: Ranking
    """By the published score, its ratios not clipped."""

    forgetting_quality: Ranking
    """By F alone."""


def compare(
    submissions: Sequence[ModelOutputs],
    references: ModelOutputs,
    *,
    seed: int,
    halvings: int = HALVINGS,
    level: float = 0.95,
) -> Comparison:
    """Return how the submissions stand to each other on the same references.

    The models of every submission and the references are halved at random, and everything is
    scored on either half; see `scoring.statistics.ranking` for what follows from it. In a halving all
    submissions meet the same half of the references, so their part of the noise cancels in
    a difference. All submissions are halved alike: where run i of one goes with run i of
    another (the same seed, or a copy), that pairing counts too. Models are drawn without
    replacement, for repeated ones would distort a maximum over decision rules.

    Args:
        submissions: Of equally many models (scores of different n do not compare), 16 or
            more, on the same examples. At least one.
        references: 16 models or more.
        seed: Decides the halves.
        halvings: How many, 2 or more; also the degrees of freedom of every interval.
        level: Of the intervals, and 1 less the probability of any false difference; in (0, 1).

    Raises:
        ValueError: there is no submission, too few models or halvings, the level is out of
            range, the submissions differ in their number of models, the examples differ in
            number, or the mean accuracy of (half of) the references is zero.
    """
    if not submissions:
        raise ValueError("There must be a submission to compare, but there is none.")
    if halvings < 2:
        raise ValueError(f"There must be two or more halvings, not {halvings}.")
    if not 0 < level < 1:
        raise ValueError(f"The level must lie strictly between 0 and 1, but it is {level}.")
    n, m = submissions[0].confidences.shape[0], references.confidences.shape[0]
    for submission in submissions:
        paired_confidences(submission.confidences, references.confidences, least=LEAST_MODELS)
        if submission.confidences.shape[0] != n:
            raise ValueError(
                "Submissions must have equally many models to compare, not "
                f"{n} and {submission.confidences.shape[0]}."
            )

    rng = np.random.default_rng(seed)
    everyone = _figures(submissions, references, np.arange(n), np.arange(m))
    halves = np.empty((halvings, 2, *everyone.shape))
    for halving in halves:
        ours, theirs = rng.permutation(n), rng.permutation(m)
        for half in range(2):
            halving[half] = _figures(
                submissions,
                references,
                ours[half * (n // 2) : (half + 1) * (n // 2)],
                theirs[half * (m // 2) : (half + 1) * (m // 2)],
            )
    return Comparison(
        n=n,
        score=rank_by_halves(everyone[0], halves[:, :, 0], level=level),
        forgetting_quality=rank_by_halves(everyone[1], halves[:, :, 1], level=level),
    )


def published_figures(
    unlearned: ModelOutputs, references: ModelOutputs, ours: ArrayLike, theirs: ArrayLike
) -> tuple[float, float]:
    """Return score and F from the models at these positions.

    Raises:
        ValueError: the mean accuracy of these references is zero.
    """
    mine, others = np.asarray(ours), np.asarray(theirs)
    epsilon = published_epsilon(unlearned.confidences[mine], references.confidences[others])
    quality = forgetting_quality(epsilon, mine.size)
    score = quality
    for split in ("retain", "test"):
        reference = float(getattr(references.accuracies, split)[others].mean())
        if reference == 0:
            raise ValueError(f"The references' mean {split} accuracy is zero, so it has no ratio.")
        score *= float(getattr(unlearned.accuracies, split)[mine].mean()) / reference
    return score, quality


def _figures(
    submissions: Sequence[ModelOutputs], references: ModelOutputs, ours: CountArray, theirs: CountArray
) -> FloatArray:
    """Return score and F of each submission. Shape [2, submissions]."""
    figures = [published_figures(submission, references, ours, theirs) for submission in submissions]
    return np.array(figures).T
