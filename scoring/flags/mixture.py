"""Flag: the unlearned checkpoints form two groups, each of which alone would score far less.

A submission is one method, and each of its checkpoints should be as good as the others. Two bad
methods used in turn can together have the right distribution on every example, so that the
per-example metric is high although no checkpoint resembles a reference. They are detected
because the checkpoints form groups more clearly than the references do::

    kernel of all checkpoints ── leading direction of each side ── best cut into two groups
        └─ share of the side's variance that lies between its groups: unlearned - references
             └─ p-value: the same with exchanged labels
                  └─ forgetting quality of each group alone, compared with that of all and of random groups

References form groups too if one factor moves all examples. So their share is subtracted,
and the labels are exchanged, which makes the p-value exact under the null.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import FloatArray
from scoring.flags.mmd import radial_kernel, standardised
from scoring.published.epsilon import quality_of_samples
from scoring.published.sorted_models import SortedModels
from scoring.samples import paired_confidences

SIGNIFICANCE = 0.01
"""Maximum p-value at which groups count as real."""

MAX_QUALITY_SHARE = 0.5
"""Maximum mean forgetting quality of the groups alone, as a fraction of that of all together, and of that of
random groups of these sizes.

The first alone is no evidence where models are few: of 16 runs of `finetune`, random groups of 6 and 10
had 0.56 of the quality of all, and those that this module found 0.44."""

MIN_AXIS_SHARE = 0.85
"""Minimum fraction of the variance along the leading direction that lies between the two groups.

For a normal factor it is 0.64, which this kernel raises to about 0.8. Two methods had 0.85 to 0.95 in the
hardest case (20 examples, 64 models, a factor common to all examples), and 0.99 at 512 models."""

MIN_GROUP_SHARE = 0.1
"""Minimum fraction of a side's checkpoints in a group; fewer are outliers, not a method."""

MIN_MODELS = 8
"""Minimum number of checkpoints on each side: fewer do not form meaningful groups."""

_PERMUTATIONS = 199
_RANDOM_GROUPS = 19
_ITERATIONS = 20
_WIDTH = 0.5  # a wider kernel than the attack's: groups are coarse, and the cloud of one factor stays one
_MAX_EXAMPLES = 200
_ROUNDING = 1e-4  # far more than a product of a matrix with one column may differ from one with many


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Two groups of unlearned checkpoints that score high only together."""

    first: tuple[int, ...]
    """Positions of the checkpoints of the group with checkpoint 0, ascending."""

    second: tuple[int, ...]
    """Positions of all others, ascending."""

    quality_together: float
    """F of all unlearned checkpoints, on the examples that were evaluated (at most 200)."""

    quality_first: float
    """F of the first group alone against the same references and examples."""

    quality_second: float
    """F of the second group alone."""

    share: float
    """Fraction of the unlearned checkpoints' variance that lies between the groups, in [0, 1]."""

    reference_share: float
    """The same for the references and their own best groups."""

    axis_share: float
    """The same along the leading direction only: near 1 for two clusters, about 0.8 for an elongated one."""

    p_value: float
    """Probability of such an excess of shares between samples of one distribution, in [0.005, 1]."""

    @property
    def sentence(self) -> str:
        """The observation in one sentence."""
        return (
            f"The checkpoints form groups of {len(self.first)} and {len(self.second)}: alone they have a "
            f"forgetting quality of {self.quality_first:.3f} and {self.quality_second:.3f}, together "
            f"{self.quality_together:.3f} (p = {self.p_value:.3g})."
        )


def find_mixture(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> Mixture | None:
    """Return the two groups that the unlearned checkpoints form, or None if they form no groups.

    They form groups if the excess of their share over the references' has a p-value of at most 0.01,
    the groups are two clusters and not one elongated cluster, and the groups' own forgetting
    qualities, averaged by size, are at most half of that of all, and of what 19 random divisions into
    groups of the same sizes have in the mean, and less than each of these divisions. With fewer than 8
    models on a side, or if no example varies, the result is None.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Seed of the permutations.

    Raises:
        ValueError: a shape is wrong, the numbers of examples differ, a side has fewer than two
            models, or a value is NaN, infinite or more than 10 000 from zero.
    """
    unlearned, retrained = paired_confidences(unlearned, retrained)
    points, _ = standardised(np.concatenate([unlearned, retrained]), unlearned[:0])
    if min(len(unlearned), len(retrained)) < MIN_MODELS or points.shape[1] == 0:
        return None
    kernel = radial_kernel(points, width=_WIDTH)
    rng = np.random.default_rng(seed)
    is_unlearned = np.tile(np.arange(len(points)) < len(unlearned), (_PERMUTATIONS + 1, 1))
    is_unlearned[1:] = rng.permuted(is_unlearned[1:], axis=1)
    members = np.concatenate([is_unlearned, ~is_unlearned]).T
    start = rng.normal(size=members.shape)
    # One elongated cluster is none, whatever the p-value, and most sides are: then one direction is enough.
    _, only = _between_shares(kernel, members[:, :1], start[:, :1])
    if float(_between(only[: len(unlearned), 0]).max()) < MIN_AXIS_SHARE - _ROUNDING:
        return None
    shares, directions = _between_shares(kernel, members, start)
    excess = shares[: _PERMUTATIONS + 1] - shares[_PERMUTATIONS + 1 :]
    p_value = float((excess >= excess[0]).mean())
    scores = directions[: len(unlearned), 0]
    axis_share = float(_between(scores).max())
    if p_value > SIGNIFICANCE or axis_share < MIN_AXIS_SHARE:
        return None

    in_first = _cut(scores)
    some = np.linspace(0, unlearned.shape[1] - 1, min(unlearned.shape[1], _MAX_EXAMPLES)).astype(np.intp)
    models = SortedModels(np.concatenate([unlearned[:, some], retrained[:, some]]))
    references = np.arange(len(unlearned), len(unlearned) + len(retrained))

    def quality(members: NDArray[np.bool_]) -> float:
        samples = models.samples(np.flatnonzero(members), references)
        return quality_of_samples(samples, int(members.sum()))

    together, first, second = map(quality, (np.ones_like(in_first), in_first, ~in_first))
    alone = _mean_of_groups(in_first, first, second)
    if together == 0 or alone > MAX_QUALITY_SHARE * together:
        return None
    by_chance = [
        _mean_of_groups(members, quality(members), quality(~members))
        for members in rng.permuted(np.tile(in_first, (_RANDOM_GROUPS, 1)), axis=1)
    ]
    if alone >= min(by_chance) or alone > MAX_QUALITY_SHARE * np.mean(by_chance):
        return None
    return Mixture(
        first=tuple(np.flatnonzero(in_first).tolist()),
        second=tuple(np.flatnonzero(~in_first).tolist()),
        quality_together=together,
        quality_first=first,
        quality_second=second,
        share=float(shares[0]),
        reference_share=float(shares[_PERMUTATIONS + 1]),
        axis_share=axis_share,
        p_value=p_value,
    )


def _mean_of_groups(in_first: NDArray[np.bool_], first: float, second: float) -> float:
    """Return the mean forgetting quality of two groups, weighted by their sizes."""
    share = float(in_first.mean())
    return share * first + (1 - share) * second


def _between_shares(
    kernel: FloatArray, members: NDArray[np.bool_], start: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return, for each subset of checkpoints, the fraction of its variance that two groups explain.

    The leading direction of the subset's centred kernel matrix is computed by power iteration,
    for all subsets at once. If the two largest eigenvalues are nearly equal it has not converged
    after 20 products, and then it matters little which direction is used.

    Args:
        kernel: Kernel matrix of all checkpoints. Shape [models, models].
        members: Whether each checkpoint belongs to each subset. Shape [models, subsets].
        start: Random starting directions. Same shape as the members.

    Returns:
        The shares, shape [subsets], in [0, 1], and the directions, shape [models, subsets],
        zero outside the subset.
    """
    sizes = members.sum(axis=0)

    def centred(vectors: FloatArray) -> FloatArray:
        inside = np.where(members, vectors, 0.0)
        return np.where(members, inside - inside.sum(axis=0) / sizes, 0.0)

    direction = centred(start)
    for _ in range(_ITERATIONS):
        direction = centred(kernel @ direction)
        direction /= np.maximum(np.linalg.norm(direction, axis=0), np.finfo(float).tiny)
    largest = np.einsum("ms,ms->s", direction, kernel @ direction)
    total = sizes - np.einsum("ms,ms->s", members, kernel @ members) / sizes
    explained = np.array([_between(direction[inside, s]).max() for s, inside in enumerate(members.T)])
    shares = np.divide(explained * largest, total, out=np.zeros_like(total), where=total > 1e-9 * sizes)
    return shares, direction


def _between(scores: FloatArray) -> FloatArray:
    """Return the sum of squares between the k lowest scores and the others, for each allowed k.

    Args:
        scores: Scores with sum zero and sum of squares one. Shape [models].

    Returns:
        Shape [cuts]: entry i is for k = i + the minimum group size.
    """
    size = scores.size
    minimum = _min_group_size(size)
    k = np.arange(minimum, size - minimum + 1)
    lower = np.cumsum(np.sort(scores))[k - 1]
    between: FloatArray = lower**2 * size / (k * (size - k))
    return between


def _cut(scores: FloatArray) -> NDArray[np.bool_]:
    """Return whether each checkpoint is in checkpoint 0's group, by the best cut. Shape [models]."""
    ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    low: NDArray[np.bool_] = ranks < int(_between(scores).argmax()) + _min_group_size(scores.size)
    return low if low[0] else ~low


def _min_group_size(size: int) -> int:
    """Return the minimum size of a group among this many checkpoints; below two a group has no F."""
    return max(2, int(np.ceil(MIN_GROUP_SHARE * size)))
