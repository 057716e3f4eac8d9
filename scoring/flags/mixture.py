"""Are the unlearned checkpoints two groups, each of which alone would score far less?

A submission is one method; each of its checkpoints should be as good as the others. Two bad
methods taken in turn can have the right distribution on every example together, so that the
per-example metric is high, although no checkpoint resembles a reference. What gives them away is
that the checkpoints fall into groups, more than references do::

    kernel of all checkpoints ── leading direction of each side ── best cut into two groups
        └─ share of the side's variance that lies between its groups: unlearned - references
             └─ p-value: the same with exchanged labels
                  └─ forgetting quality of each group alone, against that of all together

References fall into groups too, where one factor moves all examples: so their share is taken
off, and the labels are exchanged, which makes the p-value exact under the null.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import FloatArray
from scoring.flags.mmd import radial_kernel, standardised
from scoring.published.epsilon import forgetting_quality, published_epsilon
from scoring.samples import paired_confidences

SIGNIFICANCE = 0.01
"""The largest p-value at which groups are believed."""

LOSS = 0.5
"""The groups alone must score at most this part of all together, on average."""

AXIS_SHARE = 0.85
"""Least part of the variance along the leading direction that lies between two groups.

It is 0.64 for a normal factor, which this kernel makes about 0.8. Two methods had 0.85 to 0.95 where they
were hardest to see (20 examples, 64 models, a factor common to all examples), and 0.99 at 512 models."""

SMALLEST_GROUP = 0.1
"""Part of a side's checkpoints that a group must hold; fewer are outliers, no method."""

LEAST_MODELS = 8
"""Checkpoints that each side must have: fewer have no groups to speak of."""

_PERMUTATIONS = 199
_ITERATIONS = 20
_WIDTH = 0.5  # wider than the attack's: groups are coarse, and the cloud of one factor stays one
_EXAMPLES = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """The unlearned checkpoints fall into two groups that score high only together."""

    first: tuple[int, ...]
    """Positions of the checkpoints of one group, ascending: the group with checkpoint 0."""

    second: tuple[int, ...]
    """Positions of all others, ascending."""

    quality_together: float
    """F of all unlearned checkpoints, on the examples that were looked at (at most 200)."""

    quality_first: float
    """F of the first group alone against the same references and examples."""

    quality_second: float
    """F of the second group alone."""

    share: float
    """Part of the unlearned checkpoints' variance that lies between the groups, in [0, 1]."""

    reference_share: float
    """The same for the references and their own best groups."""

    axis_share: float
    """The same along the leading direction only: near 1 for two lumps, about 0.8 for one long cloud."""

    p_value: float
    """Chance of such an excess of shares between samples of one distribution, in [0.005, 1]."""

    @property
    def sentence(self) -> str:
        """What was seen, in one sentence."""
        return (
            f"The checkpoints fall into groups of {len(self.first)} and {len(self.second)} that alone have a "
            f"forgetting quality of {self.quality_first:.3f} and {self.quality_second:.3f}, together "
            f"{self.quality_together:.3f} (p = {self.p_value:.3g})."
        )


def find_mixture(unlearned: ArrayLike, retrained: ArrayLike, *, seed: int) -> Mixture | None:
    """Return the two groups that the unlearned checkpoints form, if they form any.

    They do if the excess of their share over the references' has a p-value of at most 0.01,
    the groups are two lumps and no single long cloud, and the groups' own forgetting
    qualities, averaged by size, are at most half of that of all. (A smaller sample cannot show
    large epsilons, so a group's F is a little too high: the comparison favours the submission.)
    With fewer than 8 models on a side, or no example that varies, the answer is None.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.
        seed: Of the permutations.

    Raises:
        ValueError: a shape is wrong, the examples differ in number, fewer than two models
            stand on a side, or a value is NaN, infinite or beyond 10 000 either way.
    """
    ours, theirs = paired_confidences(unlearned, retrained)
    if min(len(ours), len(theirs)) < LEAST_MODELS:
        return None
    points, _ = standardised(np.concatenate([ours, theirs]), ours[:0])
    if points.shape[1] == 0:
        return None
    kernel = radial_kernel(points, width=_WIDTH)
    rng = np.random.default_rng(seed)
    is_ours = np.tile(np.arange(len(points)) < len(ours), (_PERMUTATIONS + 1, 1))
    is_ours[1:] = rng.permuted(is_ours[1:], axis=1)
    shares, directions = _between_shares(kernel, np.concatenate([is_ours, ~is_ours]).T, rng)
    excess = shares[: _PERMUTATIONS + 1] - shares[_PERMUTATIONS + 1 :]
    p_value = float((excess >= excess[0]).mean())
    scores = directions[: len(ours), 0]
    axis_share = float(_between(scores).max())
    if p_value > SIGNIFICANCE or axis_share < AXIS_SHARE:
        return None

    in_first = _cut(scores)
    some = np.linspace(0, ours.shape[1] - 1, min(ours.shape[1], _EXAMPLES)).astype(np.intp)
    together, first, second = (
        forgetting_quality(published_epsilon(side[:, some], theirs[:, some]), len(side))
        for side in (ours, ours[in_first], ours[~in_first])
    )
    if in_first.mean() * first + (~in_first).mean() * second > LOSS * together or together == 0:
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


def _between_shares(
    kernel: FloatArray, members: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return, for each subset of checkpoints, how much of its variance two groups explain.

    The leading direction of the subset's centred kernel matrix is found by power iteration,
    all subsets at once. Where the leading directions are nearly equal it has not converged
    after 20 products, and then it matters little which is taken.

    Args:
        kernel: Of all checkpoints. Shape [models, models].
        members: Who belongs to a subset. Shape [models, subsets].
        rng: Of the starting directions.

    Returns:
        The shares, shape [subsets], in [0, 1], and the directions, shape [models, subsets],
        zero off the subset.
    """
    sizes = members.sum(axis=0)

    def centred(vectors: FloatArray) -> FloatArray:
        inside = np.where(members, vectors, 0.0)
        return np.where(members, inside - inside.sum(axis=0) / sizes, 0.0)

    direction = centred(rng.normal(size=members.shape))
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
        scores: Of sum zero and squared sum one. Shape [models].

    Returns:
        Shape [cuts]: entry i is for k = i + the smallest group's size.
    """
    size = scores.size
    least = _least(size)
    k = np.arange(least, size - least + 1)
    lower = np.cumsum(np.sort(scores))[k - 1]
    between: FloatArray = lower**2 * size / (k * (size - k))
    return between


def _cut(scores: FloatArray) -> NDArray[np.bool_]:
    """Return who belongs to the group of checkpoint 0 by the best cut. Shape [models]."""
    ranks = np.argsort(np.argsort(scores, kind="stable"), kind="stable")
    low: NDArray[np.bool_] = ranks < int(_between(scores).argmax()) + _least(scores.size)
    return low if low[0] else ~low


def _least(size: int) -> int:
    """Return how many of so many checkpoints a group must hold: two at least, or it has no F of its own."""
    return max(2, int(np.ceil(SMALLEST_GROUP * size)))
