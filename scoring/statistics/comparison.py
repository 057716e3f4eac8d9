"""Comparison of several submissions on the same references, with chance taken into account."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.published.epsilon import epsilon_of_samples, forgetting_quality
from scoring.published.score import Accuracies
from scoring.published.sorted_models import SortedModels
from scoring.samples import paired_confidences
from scoring.statistics.ranking import Ranking, rank_by_halves

MIN_MODELS = 16
"""Minimum on each side: a half of fewer models has hardly a bin of epsilon, so its score cannot vary."""

HALVINGS = 16
"""Default number of random halvings; each costs as much as scoring everything twice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelOutputs:
    """Confidences and accuracies of one set of models, a submission's or the references.

    Raises:
        ValueError: the confidences are not a finite array of two axes, or the confidences and the
            accuracies come from different numbers of models.
    """

    confidences: FloatArray
    """On the forget examples. Shape [models, examples]; stored as a read-only float64 copy."""

    accuracies: Accuracies
    """Accuracies of the same models, in the same order."""

    def __post_init__(self) -> None:
        """Check the confidences and replace them by a read-only copy."""
        confidences, _ = paired_confidences(self.confidences, self.confidences, min_models=1)
        if confidences.shape[0] != self.accuracies.retain.size:
            raise ValueError(
                "Confidences and accuracies must come from the same models, not "
                f"{confidences.shape[0]} and {self.accuracies.retain.size}."
            )
        object.__setattr__(self, "confidences", read_only_copy(confidences))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparison:
    """Rankings of several submissions, in the order in which they were passed."""

    n: int
    """Number of models of each submission."""

    score: Ranking
    """Ranking by the published score, its ratios not clipped."""

    forgetting_quality: Ranking
    """Ranking by F alone."""


def compare(
    submissions: Sequence[ModelOutputs],
    references: ModelOutputs,
    *,
    seed: int,
    halvings: int = HALVINGS,
    level: float = 0.95,
) -> Comparison:
    """Return the rankings of the submissions on the same references.

    The models of every submission and the references are halved at random, and everything is
    scored on both halves; `scoring.statistics.ranking` derives the errors from these scores. In a halving all
    submissions are scored against the same half of the references, so the noise of the references cancels
    in a difference. All submissions are halved alike: if run i of one submission is paired with run i of
    another (the same seed, or a copy), the pairing is used too. Models are drawn without
    replacement, because repeated models would distort a maximum over decision rules.

    Args:
        submissions: At least one submission. All have the same number of models, 16 or more (scores
            of different n are not comparable), and the same examples.
        references: 16 models or more.
        seed: Seed of the random halves.
        halvings: Number of halvings, 2 or more; also the degrees of freedom of every interval.
        level: Confidence of the intervals, and 1 minus the probability of any false difference;
            in (0, 1).

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
        paired_confidences(submission.confidences, references.confidences, min_models=MIN_MODELS)
        if submission.confidences.shape[0] != n:
            raise ValueError(
                "Submissions must have equally many models to compare, not "
                f"{n} and {submission.confidences.shape[0]}."
            )

    parts = [rows for halves in random_halves(n, m, seed=seed, halvings=halvings) for rows in halves]
    figures = np.empty((1 + len(parts), 2, len(submissions)))  # of all models, then of each half
    for position, submission in enumerate(submissions):
        pair = PublishedFigures(submission, references)
        for part, rows in enumerate([(np.arange(n), np.arange(m)), *parts]):
            figures[part, :, position] = pair.of(*rows)
    score, quality = (
        rank_by_halves(figures[0, kind], figures[1:, kind].reshape(halvings, 2, -1), level=level)
        for kind in (0, 1)
    )
    return Comparison(n=n, score=score, forgetting_quality=quality)


def random_halves(
    n: int, m: int, *, seed: int, halvings: int
) -> Iterator[tuple[tuple[CountArray, CountArray], tuple[CountArray, CountArray]]]:
    """Yield the rows of unlearned models and of references in both halves, for each halving.

    They depend on the arguments alone: all submissions with n models are halved alike under a seed.

    Args:
        n: Number of unlearned models.
        m: Number of references.
        seed: Of the random halves.
        halvings: How many are yielded.
    """
    rng = np.random.default_rng(seed)
    for _ in range(halvings):
        runs, retrainings = rng.permutation(n), rng.permutation(m)
        first, second = (
            (
                runs[half * (n // 2) : (half + 1) * (n // 2)],
                retrainings[half * (m // 2) : (half + 1) * (m // 2)],
            )
            for half in range(2)
        )
        yield first, second


class PublishedFigures:
    """Score and F of one submission, for any of its models and any of the references."""

    def __init__(self, unlearned: ModelOutputs, references: ModelOutputs) -> None:
        """Sort the confidences of all models, with as many examples on both sides."""
        self._accuracies = unlearned.accuracies, references.accuracies
        self._n = len(unlearned.confidences)
        self._models = SortedModels(np.concatenate([unlearned.confidences, references.confidences]))

    def of(self, runs: CountArray, retrainings: CountArray) -> tuple[float, float]:
        """Return score and F of the models at these positions, none of them twice.

        Raises:
            ValueError: the mean accuracy of these references is zero.
        """
        epsilon = epsilon_of_samples(self._models.samples(runs, self._n + retrainings))
        quality = forgetting_quality(epsilon, runs.size)
        unlearned, references = self._accuracies
        score = quality
        for split in ("retain", "test"):
            reference = float(getattr(references, split)[retrainings].mean())
            if reference == 0:
                raise ValueError(f"The references' mean {split} accuracy is zero, so it has no ratio.")
            score *= float(getattr(unlearned, split)[runs].mean()) / reference
        return score, quality
