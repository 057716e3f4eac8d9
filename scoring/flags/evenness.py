"""Whether the confidences of single examples follow those of the references more evenly than chance allows.

Independent samples of one distribution differ by chance, and every method that does not look at
the references differs at least as much. Checkpoints that were chosen or steered to agree with them
differ less. Examples are taken one by one, as the published metric takes them: what is chosen for a high
score shows here.
"""

import numpy as np

from scoring.checks import FloatArray
from scoring.flags.mmd import Discrepancy, discrepancy_test

COSINES = 4
"""Number of functions of the rank that are compared: position, spread, skewness and weight of the tails."""


def evenness_test(unlearned: FloatArray, retrained: FloatArray, *, seed: int) -> Discrepancy:
    """Return both p-values of the differences between the samples, added over the examples.

    On each example confidences are replaced by their ranks u in (0, 1) among both samples. The
    difference is the sum over k = 1 to 4 of the squared difference of the mean of cos(pi k u), divided
    by k: Neyman's smooth test with cosines, whose weights lie between those of a chi-squared and of a
    Cramer-von Mises test. It is a quadratic form, so it is tested like the maximum mean discrepancy.

    Args:
        unlearned: Confidences under the unlearned models, checked. Shape [n, examples].
        retrained: Confidences under the references, checked. Shape [m, examples].
        seed: Seed of the random assignments of labels.
    """
    ranks = _ranks(np.concatenate([unlearned, retrained]))
    first = np.cos(np.pi * ranks).astype(np.float32)  # half the time of float64, and exact enough
    before, cosine = np.ones_like(first), first
    kernel = np.zeros((len(first), len(first)))
    for k in range(1, COSINES + 1):
        kernel += (cosine @ cosine.T) / k
        before, cosine = cosine, 2 * first * cosine - before  # Chebyshev
    kernel /= max(ranks.shape[1], 1)
    return discrepancy_test(kernel, n=len(unlearned), seed=seed)


def _ranks(values: FloatArray) -> FloatArray:
    """Return the ranks in each column, from 0 to 1; equal values share their mean rank."""
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1)
    ascending = np.take_along_axis(columns, order, axis=1)
    place = np.broadcast_to(np.arange(len(values)), columns.shape)
    rises = np.diff(ascending, axis=1) > 0
    edge = np.ones((len(columns), 1), dtype=np.bool_)
    first = np.maximum.accumulate(np.where(np.hstack([edge, rises]), place, 0), axis=1)
    last = np.where(np.hstack([rises, edge]), place, len(values))
    last = np.minimum.accumulate(last[:, ::-1], axis=1)[:, ::-1]
    ranks = np.empty_like(columns)
    np.put_along_axis(ranks, order, (first + last + 1) / (2 * len(values)), axis=1)
    return np.ascontiguousarray(ranks.T)
