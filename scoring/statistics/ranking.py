"""Ranks of submissions, and the significance of the differences between them."""

from dataclasses import dataclass

import numpy as np

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.statistics.interval import two_sided_p, two_sided_quantile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """One figure of every submission, and which differences are significant; read-only arrays."""

    value: FloatArray
    """The figure from all models. Shape [submissions]."""

    low: FloatArray
    """Lower end of each value's own interval, with random models on both sides. Shape [submissions]."""

    high: FloatArray
    """Upper end of each value's own interval. Shape [submissions]."""

    difference: FloatArray
    """Value of the row minus value of the column. Shape [submissions, submissions]."""

    difference_low: FloatArray
    """Lower end of the interval of each single difference. Shape [submissions, submissions]."""

    difference_high: FloatArray
    """Upper end of the interval of each single difference. Shape [submissions, submissions]."""

    p: FloatArray
    """P-value of "these two are equally good", corrected by Holm. Shape [submissions, submissions]."""

    rank: CountArray
    """1 + the number of submissions that are significantly better. Shape [submissions]."""


def rank_by_halves(value: FloatArray, halves: FloatArray, *, level: float) -> Ranking:
    """Return the ranking of submissions from a figure of all their models and of random halves.

    The two halves of a halving share no model, so half the mean square of their differences
    is an unbiased estimate of the figure's variance at half as many models. This is used as
    the variance at all models. For a smooth figure it would be half of that; for the published metric
    it is not, because its epsilon depends on the few models in the tails, whatever the number of models.

    * Two submissions differ if their difference over its standard error is significant by
      Student's t with as many degrees of freedom as there are halvings, after Holm's correction
      over all pairs, at ``1 - level``.
    * A rank is 1 + the number of submissions that are significantly better. So equal ranks
      are common, and two submissions of equal rank may differ although both are tied with a third.
    * If the two halves agree in every halving, the error is 0: equal values are tied, and
      unequal values differ.

    Args:
        value: Figure of all models; larger is better. Shape [submissions], at least one.
        halves: The same figure of each half. In a halving all submissions are measured against the
            same halves of the references. Shape [halvings, 2, submissions], at least one halving.
        level: Confidence of the intervals, and 1 minus the probability of any false difference;
            in (0, 1).

    Raises:
        ValueError: the level is out of range.
    """
    degrees = halves.shape[0]
    quantile = two_sided_quantile(degrees, level)
    gaps = halves[:, 0] - halves[:, 1]
    own_error = np.sqrt((gaps**2).mean(axis=0) / 2)
    difference = value[:, np.newaxis] - value
    error = np.sqrt(((gaps[:, :, np.newaxis] - gaps[:, np.newaxis]) ** 2).mean(axis=0) / 2)
    p = _pairwise(difference, error, degrees)
    better = (difference < 0) & (p <= 1 - level)
    rank: CountArray = 1 + better.sum(axis=1)
    return Ranking(
        value=read_only_copy(value),
        low=read_only_copy(value - quantile * own_error),
        high=read_only_copy(value + quantile * own_error),
        difference=read_only_copy(difference),
        difference_low=read_only_copy(difference - quantile * error),
        difference_high=read_only_copy(difference + quantile * error),
        p=read_only_copy(p),
        rank=rank,
    )


def holm(p: FloatArray) -> FloatArray:
    """Return p-values corrected so that the chance of any false rejection stays at the level of one test.

    The smallest of q values is multiplied by q, the next by q - 1, and so on; a value is raised to
    the one before it if it is smaller, and cut off at 1.

    Args:
        p: Shape [tests].

    Source:
        S. Holm, "A simple sequentially rejective multiple test procedure", 1979.
    """
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1)), 1.0)
    return corrected


def _pairwise(difference: FloatArray, error: FloatArray, degrees: int) -> FloatArray:
    """Return the corrected p-value of each pair, symmetric, 1 on the diagonal."""
    p = np.ones(difference.shape)
    rows, columns = np.triu_indices(difference.shape[0], k=1)
    plain = np.array(
        [
            _p_of_pair(abs(float(difference[row, column])), float(error[row, column]), degrees)
            for row, column in zip(rows, columns, strict=True)
        ],
        dtype=np.float64,
    )
    p[rows, columns] = p[columns, rows] = holm(plain)
    return p


def _p_of_pair(difference: float, error: float, degrees: int) -> float:
    """Return the uncorrected p-value; if the error is 0, return 1 for equal values and 0 for others."""
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return two_sided_p(degrees, difference / error)
