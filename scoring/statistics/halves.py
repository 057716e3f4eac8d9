"""The score of a submission on random halves, from which the interval of any difference between two follows.

A comparison scores all submissions on the same halves. So what is computed for a submission serves for all
comparisons that it ever takes part in, whoever joins them later: k submissions cost k computations, not
a computation for each pair.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.checks import FloatArray, read_only_copy
from scoring.samples import paired_confidences
from scoring.statistics.comparison import (
    HALVINGS,
    MIN_MODELS,
    ModelOutputs,
    PublishedFigures,
    random_halves,
)
from scoring.statistics.interval import CONFIDENCE, Interval, two_sided_quantile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HalvedScore:
    """The score of a submission, from all of its models and from halves of them.

    Raises:
        ValueError: a number is not finite, or there are not two halves for each of two or more halvings.
    """

    value: float
    """Score from all models, its ratios not clipped."""

    halves: FloatArray
    """Score from each half, against a half of the references. Shape [halvings, 2]; a read-only copy."""

    def __post_init__(self) -> None:
        """Check the numbers and replace the halves by a read-only copy."""
        halves = np.asarray(self.halves, dtype=np.float64)
        if halves.ndim != 2 or halves.shape[0] < 2 or halves.shape[1] != 2:
            raise ValueError(
                f"Halves must have the shape [halvings, 2], two halvings or more, not {halves.shape}."
            )
        if not (np.isfinite(halves).all() and np.isfinite(self.value)):
            raise ValueError("The score and its halves must be finite.")
        object.__setattr__(self, "halves", read_only_copy(halves))


def halved_score(
    submission: ModelOutputs, references: ModelOutputs, *, seed: int, halvings: int = HALVINGS
) -> HalvedScore:
    """Return the score of a submission on the halves that `scoring.statistics.comparison.compare` draws.

    Args:
        submission: 16 models or more.
        references: 16 models or more, with the same examples.
        seed: Of the random halves; scores are comparable only under the same seed.
        halvings: Number of halvings, 2 or more.

    Raises:
        ValueError: there are too few models, the examples differ in number, or the mean accuracy of the
            references, or of a half of them, is zero.
    """
    paired_confidences(submission.confidences, references.confidences, min_models=MIN_MODELS)
    n, m = submission.confidences.shape[0], references.confidences.shape[0]
    pair = PublishedFigures(submission, references)
    halves = [
        [pair.of(runs, retrainings)[0] for runs, retrainings in rows]
        for rows in random_halves(n, m, seed=seed, halvings=halvings)
    ]
    value, _ = pair.of(np.arange(n), np.arange(m))
    return HalvedScore(value=value, halves=np.array(halves))


def paired_difference(first: HalvedScore, second: HalvedScore, *, level: float = CONFIDENCE) -> Interval:
    """Return the difference of two scores, first minus second, with its interval.

    The interval is that of `scoring.statistics.ranking.Ranking.difference`: of this pair alone, not corrected
    for the number of pairs.

    Args:
        first: On the same halves as the second.
        second: On the same halves as the first.
        level: Confidence of the interval, in (0, 1).

    Raises:
        ValueError: they have different numbers of halvings, or the level is out of range.
    """
    if first.halves.shape != second.halves.shape:
        raise ValueError(
            f"Both scores must have equally many halvings, not {len(first.halves)} and {len(second.halves)}."
        )
    gaps = (first.halves[:, 0] - first.halves[:, 1]) - (second.halves[:, 0] - second.halves[:, 1])
    error = float(np.sqrt((gaps**2).mean() / 2))
    difference = first.value - second.value
    reach = two_sided_quantile(len(gaps), level) * error
    return Interval(
        estimate=difference, standard_error=error, low=difference - reach, high=difference + reach
    )
