"""Which differences between submissions are more than noise, and so who ranks where?"""

from dataclasses import dataclass

import numpy as np

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.statistics.student import two_sided_p, two_sided_quantile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking:
    """One figure of every submission, with what can be told apart; read-only arrays."""

    value: FloatArray
    """The figure from all models. Shape [submissions]."""

    low: FloatArray
    """Lower end of each value's own interval, models of both sides being random. Shape [submissions]."""

    high: FloatArray
    """Upper end. Shape [submissions]."""

    difference: FloatArray
    """Value of the row less that of the column. Shape [submissions, submissions]."""

    difference_low: FloatArray
    """Lower end of the interval of each difference alone. Shape [submissions, submissions]."""

    difference_high: FloatArray
    """Upper end. Shape [submissions, submissions]."""

    p: FloatArray
    """Of "these two are equally good", by Holm over all pairs. Shape [submissions, submissions]."""

    rank: CountArray
    """1 + the number of submissions that are significantly better. Shape [submissions]."""


def rank_by_halves(value: FloatArray, halves: FloatArray, *, level: float) -> Ranking:
    """Return the ranking of submissions whose figure is known from all models and from halves.

    The two halves of a halving share no model, so half the mean square of their differences
    is, without bias, the variance of the figure at half as many models. That is taken for
    the variance at all models. A smooth figure's would be half of it; the published metric's is
    not, for its epsilon comes from the few models in the tails, whatever the number of models.

    * Two submissions differ if their difference over its standard error is significant by
      Student's t with as many degrees of freedom as there are halvings, after Holm's correction
      over all pairs, at ``1 - level``.
    * A rank is 1 + the number of submissions that are significantly better. So equal ranks
      are common, and two of equal rank may differ while both are tied with a third.
    * Where no half differs from its other, the error is 0: values that are equal are tied,
      others differ.

    Args:
        value: From all models; larger is better. Shape [submissions], at least one.
        halves: The same figure from either half, paired through equal halves of the references.
            Shape [halvings, 2, submissions], at least one halving.
        level: Of the intervals, and 1 less the probability of any false difference; in (0, 1).
    """
    degrees = halves.shape[0]
    quantile = two_sided_quantile(level, degrees)
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
    """Return p values corrected so that the chance of any false rejection is kept.

    The smallest of q values is multiplied by q, the next by q - 1, and so on; none becomes
    smaller than one before it, or larger than 1.

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
    """Return the corrected p value of each pair, symmetric, 1 on the diagonal."""
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
    """Return the plain p value; without an error, 1 if the values are equal and 0 if not."""
    if error == 0:
        return 1.0 if difference == 0 else 0.0
    return two_sided_p(difference / error, degrees)
