"""Kernel two-sample test: whether two sets of checkpoints come from one distribution.

It gives the joint attack's p-value. A classifier's cross-validated scores depend on
each other, so no formula for the error of their area under the curve is right. The test permutes
labels instead: under the null hypothesis every assignment of labels to checkpoints is as likely
as the true one, so the share of assignments with a statistic as large as the true one is a
p-value, exact for any number of checkpoints and any statistic. The maximum mean discrepancy
is a quadratic form in one kernel matrix, so thousands of assignments cost one matrix product.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.checks import FloatArray

CLIP = 4.0
"""Standardised confidences are clipped to this, so that one diverged value does not dominate a distance."""

PERMUTATIONS = 999
"""Number of random assignments of labels in addition to the true one; the minimum p-value is 1/1000."""

WIDTH = 2.0
"""Factor in the kernel's exponent. With 2 instead of the common 1, a mixture of few models and examples is
detected far more often, and a shift nearly as often; a simulation decided."""

_NORMAL = 1.4826

_ROUNDING = 1e-9
"""Relative difference within which two statistics count as equal, so that rounding never lowers a p-value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """All checkpoints of an evaluation as points, the unlearned first, and their kernel matrix."""

    n: int
    """Number of unlearned checkpoints."""

    points: FloatArray
    """Standardised confidences on the examples that vary. Shape [n + m, varied]; varied may be 0."""

    kernel: FloatArray
    """Of these points, with `WIDTH`. Shape [n + m, n + m]."""


def pool_checkpoints(unlearned: FloatArray, retrained: FloatArray) -> Pool:
    """Return both sides as points with their kernel, which takes one product of large matrices.

    Args:
        unlearned: Confidences under the unlearned models, checked. Shape [n, examples].
        retrained: Confidences under the references, checked. Shape [m, examples].
    """
    points, _ = standardised(np.concatenate([unlearned, retrained]), unlearned[:0])
    return Pool(n=len(unlearned), points=points, kernel=radial_kernel(points, width=WIDTH))


def standardised(train: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both arrays with each example scaled to median 0 and deviation 1 of the first array, clipped.

    The deviation is 1.4826 times the median absolute deviation, which is the standard deviation for a
    normal sample. A few diverged checkpoints of a cheat would make the plain standard deviation so
    large that all other differences vanish. If most values of the first array are equal, the plain standard
    deviation is used. Examples on which all its values are equal have no scale and are left out.

    Args:
        train: Confidences that determine the scale. Shape [models, examples].
        others: Confidences to which the same scale is applied. Shape [other models, examples].

    Returns:
        Shapes [models, varied] and [other models, varied], in [-4, 4]; varied may be 0.
    """
    varied = np.ptp(train, axis=0) > 0
    varying = train[:, varied]
    middle = column_medians(varying)
    scale: FloatArray = _NORMAL * column_medians(np.abs(varying - middle))
    if not (scale > 0).all():
        scale = np.where(scale > 0, scale, varying.std(axis=0))
        # If the range is too small to be squared, the deviation is zero and the range itself is the scale.
        scale = np.where(scale > 0, scale, np.ptp(varying, axis=0))
    return (
        np.clip((varying - middle) / scale, -CLIP, CLIP),
        np.clip((others[:, varied] - middle) / scale, -CLIP, CLIP),
    )


def column_medians(values: FloatArray) -> FloatArray:
    """Return the median of each column, as `numpy.median` does but in a fifth of its time.

    Args:
        values: Finite values. Shape [models, examples], one model or more.

    Returns:
        Shape [examples].
    """
    middle = len(values) // 2
    columns = np.ascontiguousarray(values.T)
    if len(values) % 2:
        return np.asarray(np.partition(columns, middle, axis=1)[:, middle])
    parts = np.partition(columns, middle - 1, axis=1)
    return np.asarray((parts[:, middle - 1] + parts[:, middle:].min(axis=1)) / 2)


def radial_kernel(points: FloatArray, *, width: float) -> FloatArray:
    """Return ``exp(-width * squared distance / examples)`` for each pair of checkpoints.

    The squared distance of two independent checkpoints is about 2 per example, so their
    kernel value is about ``exp(-2 * width)`` for any number of examples.

    Args:
        points: Standardised confidences. Shape [models, examples]; with zero examples all
            checkpoints are the same point.
        width: Factor in the exponent, positive; a larger factor means a narrower kernel.

    Returns:
        Shape [models, models], in [0, 1], with a diagonal of ones.
    """
    squares = np.einsum("ij,ij->i", points, points)
    distances = squares[:, np.newaxis] + squares - 2 * (points @ points.T)
    kernel: FloatArray = np.exp(-width * np.maximum(distances, 0) / max(points.shape[1], 1))
    np.fill_diagonal(kernel, 1.0)
    return kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """Both p-values of the maximum mean discrepancy between two sets of checkpoints, in [0.001, 1]."""

    larger: float
    """Probability of a discrepancy at least as large between samples of one distribution."""

    smaller: float
    """Probability of one at most as large: small if the sets are closer to each other than chance allows."""


def discrepancy_test(kernel: FloatArray, *, n: int, seed: int) -> Discrepancy:
    """Return both p-values of the maximum mean discrepancy by permutation of the labels.

    The statistic is ``mean k(U, U) - 2 mean k(U, R) + mean k(R, R)``. A p-value is valid for every
    size; with few checkpoints few assignments are distinct, so 2 against 2 is never below 1/3.

    Args:
        kernel: Kernel matrix of all checkpoints, the unlearned first, of values about 1 or less. Shape
            [n + m, n + m].
        n: Number of unlearned checkpoints.
        seed: Seed of the random assignments.

    Returns:
        Each ``(1 + assignments at least as extreme) / (1 + 999)``, in [0.001, 1].

    Source:
        Gretton et al., "A Kernel Two-Sample Test", JMLR 13 (2012), equation 5; the count of
        the true assignment follows Phipson and Smyth, arXiv 1603.05766.
    """
    total = kernel.shape[0]
    weights = np.where(np.arange(total) < n, 1 / n, -1 / (total - n))
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(weights, (PERMUTATIONS, 1)), axis=1)
    statistic = float(weights @ kernel @ weights)
    statistics = np.einsum("pi,pi->p", shuffled @ kernel, shuffled)
    slack = _ROUNDING * (abs(statistic) + 1 / total)
    larger, smaller = statistics >= statistic - slack, statistics <= statistic + slack
    return Discrepancy(larger=_share(larger), smaller=_share(smaller))


def _share(as_extreme: NDArray[np.bool_]) -> float:
    """Return the share of assignments that are as extreme as the true one, which counts as one of them."""
    return (1 + int(as_extreme.sum())) / (1 + PERMUTATIONS)
