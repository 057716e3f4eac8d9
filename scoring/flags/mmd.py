"""Could two sets of checkpoints, each a vector of confidences, come from one distribution?

The test behind the joint attack's p-value. A classifier's cross-validated scores depend on
each other, so that no formula for their area under the curve is right; but labels can be
exchanged. Under the null hypothesis every assignment of labels to checkpoints is as likely
as the true one, so the share of assignments with a statistic as large as the true one is a
p-value, exact for any number of checkpoints and any statistic. The maximum mean discrepancy
is a quadratic form in one kernel matrix, and thousands of assignments cost a matrix product.
"""

import numpy as np

from scoring.checks import FloatArray

CLIP = 4.0
"""Standardised confidences end here, so that one diverged value does not fill a distance."""

PERMUTATIONS = 999
"""Assignments of labels that are tried beside the true one; the least p-value is 1/1000."""

WIDTH = 2.0
"""Factor in the kernel's exponent. Twice the common 1 finds a mixture of few models and examples far more
often, and a shift nearly as often; it was chosen by that simulation."""

_NORMAL = 1.4826

_ROUNDING = 1e-9
"""Part of a statistic within which two assignments count as equal: never to the p-value's gain."""


def standardised(train: FloatArray, others: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return both with the examples scaled to median 0 and deviation 1 of the first, clipped.

    The deviation is 1.4826 times the median absolute one, which is the standard deviation of a normal
    sample: a few diverged checkpoints among the cheat's would make the standard deviation so
    large that all else looks alike. Where most of the first are equal it is the standard deviation.
    Examples on which all of the first are equal have no scale and are left out.

    Args:
        train: Confidences that decide the scale. Shape [models, examples].
        others: Confidences that are scaled alike. Shape [other models, examples].

    Returns:
        Shapes [models, varied] and [other models, varied], in [-4, 4]; varied may be 0.
    """
    varied = np.ptp(train, axis=0) > 0
    kept = train[:, varied]
    middle = np.median(kept, axis=0)
    robust = _NORMAL * np.median(np.abs(kept - middle), axis=0)
    deviation = np.where(robust > 0, robust, kept.std(axis=0))
    # A range too small to be squared leaves no deviation: the range itself is then the scale.
    scale = np.where(deviation > 0, deviation, np.ptp(kept, axis=0))
    return (
        np.clip((kept - middle) / scale, -CLIP, CLIP),
        np.clip((others[:, varied] - middle) / scale, -CLIP, CLIP),
    )


def radial_kernel(points: FloatArray, *, width: float) -> FloatArray:
    """Return ``exp(-width * squared distance / examples)`` for each pair of checkpoints.

    The squared distance of two independent checkpoints is about 2 for each example, so that their
    kernel is about ``exp(-2 * width)`` for any number of examples.

    Args:
        points: Standardised confidences. Shape [models, examples]; without examples all
            checkpoints are one point.
        width: Factor in the exponent, positive; the larger, the closer two must be to count.

    Returns:
        Shape [models, models], in [0, 1], with a diagonal of ones.
    """
    squares = np.einsum("ij,ij->i", points, points)
    distances = squares[:, np.newaxis] + squares - 2 * (points @ points.T)
    kernel: FloatArray = np.exp(-width * np.maximum(distances, 0) / max(points.shape[1], 1))
    np.fill_diagonal(kernel, 1.0)
    return kernel


def discrepancy_p_value(kernel: FloatArray, *, n: int, seed: int) -> float:
    """Return the p-value of the maximum mean discrepancy by exchange of labels.

    The statistic is ``mean k(U, U) - 2 mean k(U, R) + mean k(R, R)``. Valid for every size;
    with few checkpoints few assignments are distinct, so 2 against 2 never gets below 1/3.

    Args:
        kernel: Of all checkpoints, the unlearned first. Shape [n + m, n + m].
        n: Number of unlearned checkpoints.
        seed: Of the assignments that are tried.

    Returns:
        ``(1 + assignments at least as extreme) / (1 + 999)``, in [0.001, 1].

    Source:
        Gretton et al., "A Kernel Two-Sample Test", JMLR 13 (2012), equation 5; the count of
        the true assignment follows Phipson and Smyth, arXiv 1603.05766.
    """
    total = kernel.shape[0]
    weights = np.where(np.arange(total) < n, 1 / n, -1 / (total - n))
    rng = np.random.default_rng(seed)
    shuffled = rng.permuted(np.tile(weights, (PERMUTATIONS, 1)), axis=1)
    statistic = float(weights @ kernel @ weights)
    others = np.einsum("pi,pi->p", shuffled @ kernel, shuffled)
    slack = _ROUNDING * (abs(statistic) + 1 / total)
    return (1 + int((others >= statistic - slack).sum())) / (1 + PERMUTATIONS)
