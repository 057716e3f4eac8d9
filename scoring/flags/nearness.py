"""Whether single unlearned checkpoints lie too close to single references.

Distances of independent checkpoints are compared with each other and never with a fixed value: a
method whose checkpoints vary less than references do lies closer to each of them, without any copying.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.flags.mmd import PERMUTATIONS

MAX_NEIGHBOURS = 20
"""Distances to references, beyond the nearest, from which a checkpoint's expected gap is estimated."""

MIN_EXAMPLES = 20
"""Minimum number of varied examples for `nearest_reference`; with fewer, its power law does not hold for
confidences with heavy tails or two modes."""

MOST = 0.9
"""Share of the references that lie nearer to another than a checkpoint may lie to its second nearest."""

LAW_LEVEL = 0.05
"""Maximum p-value at which the references themselves contradict the law of `nearest_reference`."""

_SMALLEST = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestPairs:
    """Pairs of checkpoints that are each other's nearest neighbour among all of both sides."""

    pairs: int
    """Number of such pairs."""

    across: int
    """Number of those that consist of an unlearned checkpoint and a reference."""

    p_value: float
    """Probability of at least as many between samples of one distribution, in [0.001, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestReference:
    """The unlearned checkpoint that stands out by how near its nearest reference is."""

    checkpoint: int
    """Position of the unlearned checkpoint."""

    reference: int
    """Position of its nearest reference."""

    ratio: float
    """Distance to it as a fraction of the distance to the second nearest reference, in [0, 1]."""

    p_value: float
    """Bound on the probability that any of the checkpoints stands out as much by chance, in [0, 1]."""


def nearest_pairs(kernel: FloatArray, *, n: int, seed: int) -> NearestPairs:
    """Return how many pairs of mutual nearest neighbours lie across the sides, with an exact test.

    Noisy copies of references are their references' nearest neighbours, and these are theirs. Both
    directions are needed: the nearest neighbour of a checkpoint that varies more than references do is
    often a reference, but that reference has nearer ones. Who is whose neighbour does not depend on the
    labels, so labels are exchanged as in `scoring.flags.mmd`.

    Args:
        kernel: Kernel matrix of all checkpoints, the unlearned first; it falls with the distance. Shape
            [n + m, n + m].
        n: Number of unlearned checkpoints.
        seed: Seed of the random assignments.
    """
    near = kernel.copy()
    np.fill_diagonal(near, -1.0)
    nearest = near.argmax(axis=1)
    first = np.flatnonzero((nearest[nearest] == np.arange(len(near))) & (np.arange(len(near)) < nearest))
    second = nearest[first]
    is_unlearned = np.tile(np.arange(len(near)) < n, (PERMUTATIONS + 1, 1))
    is_unlearned[1:] = np.random.default_rng(seed).permuted(is_unlearned[1:], axis=1)
    across = (is_unlearned[:, first] != is_unlearned[:, second]).sum(axis=1)
    return NearestPairs(pairs=first.size, across=int(across[0]), p_value=float((across >= across[0]).mean()))


def nearest_reference(kernel: FloatArray, *, n: int) -> NearestReference | None:
    """Return the checkpoint that is nearest to a reference, compared with its distances to the others.

    The distances r1 < r2 < ... of one checkpoint to independent references follow a power law where
    they are small: their number below r grows like r^d, d being the effective dimension. Then the
    gaps j log(r[j+1] / r[j]) are independent exponential variables of one mean (Renyi), so the first gap over
    the sum of k - 1 others exceeds x with probability (1 + x)^-(k - 1). Where the law fails, because the
    number grows faster for smaller r, the bound is too high. All checkpoints together have n times the
    smallest of their probabilities (Bonferroni), whatever their dependence.

    The law fails the other way where a few models lie apart from all others, such as runs that got stuck: the
    only other stuck model is far nearer than the second nearest of all, and clipping may make them almost
    equal. So a checkpoint counts only if it lies among the references (`_lies_among`), which depends on its
    second distance alone; given this, the law for the first is the same. And no checkpoint counts where the
    references break the law among themselves.

    Args:
        kernel: Kernel matrix ``exp(-c * squared distance)``, the unlearned first. Shape [n + m, n + m].
        n: Number of unlearned checkpoints.

    Returns:
        None if there are fewer than 8 references, if two of them are equal (then distances are coarse), or
        if one of them stands out by how near another is.
    """
    references = len(kernel) - n
    among = kernel[n:, n:]
    if references < 8 or (among[np.triu_indices(references, k=1)] >= 1).any():
        return None
    k = min(MAX_NEIGHBOURS, references // 2)
    others = among.copy()
    np.fill_diagonal(others, 0.0)
    if references * _gaps(others, k)[2].min() <= LAW_LEVEL:
        return None
    order, log_distance, p_values = _gaps(kernel[:n, n:], k)
    p_values[~_lies_among(among, order[:, 0], 2 * log_distance[:, 1])] = 1
    row = int(p_values.argmin())
    return NearestReference(
        checkpoint=row,
        reference=int(order[row, 0]),
        ratio=float(np.exp(log_distance[row, 0] - log_distance[row, 1])),
        p_value=min(1.0, n * float(p_values[row])),
    )


def _gaps(kernel: FloatArray, k: int) -> tuple[CountArray, FloatArray, FloatArray]:
    """Return for each row the k + 1 nearest columns, the logarithms of their distances, and the p-value.

    Args:
        kernel: Kernel values. Shape [rows, columns], columns > k.
        k: Number of gaps, 2 or more.
    """
    order = np.argsort(-kernel, axis=1, kind="stable")[:, : k + 1]
    squared = -np.log(np.maximum(np.take_along_axis(kernel, order, axis=1), _SMALLEST))
    log_distance = np.log(np.maximum(squared, _SMALLEST)) / 2
    gaps = np.diff(log_distance, axis=1) * np.arange(1, k + 1)
    others = gaps[:, 1:].sum(axis=1)
    usable = others > 0
    p_values = np.ones(len(kernel))
    p_values[usable] = (1 + gaps[usable, 0] / others[usable]) ** -(k - 1)
    return order, log_distance, p_values


def _lies_among(among: FloatArray, nearest: CountArray, log_squared: FloatArray) -> NDArray[np.bool_]:
    """Return which checkpoints are as near to a second reference as most references are to their nearest.

    Args:
        among: Kernel matrix of the references. Shape [m, m].
        nearest: Position of each checkpoint's nearest reference, which is left out. Shape [n].
        log_squared: Logarithm of each checkpoint's squared distance to its second nearest. Shape [n].
    """
    near = among.copy()
    np.fill_diagonal(near, -1.0)
    neighbour = near.argmax(axis=1)
    second, first = np.partition(near, [-2, -1], axis=1)[:, -2:].T
    lies_among = np.zeros(len(nearest), dtype=np.bool_)
    for left_out in np.unique(nearest):
        others = np.delete(np.where(neighbour == left_out, second, first), left_out)
        reach = np.quantile(-np.log(np.maximum(others, _SMALLEST)), MOST)
        here = nearest == left_out
        lies_among[here] = np.exp(log_squared[here]) <= reach
    return lies_among
