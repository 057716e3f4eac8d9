"""How far can two samples be told apart by the best threshold there is, not the best of a grid?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import FloatArray
from scoring.published.epsilon import EPSILON_CAP
from scoring.published.rules import epsilon_of_rules
from scoring.samples import paired_confidences

_BLOCK = 64
"""Examples at a time, so that what is worked on stays in the cache."""

_Counts = NDArray[np.int32]
_NEVER = -(1 << 20)
"""Of a rule that does not exist: fewer than any number of models, even after an addition."""


def exact_epsilon(unlearned: ArrayLike, retrained: ArrayLike) -> FloatArray:
    """Return each forget example's supremum of epsilon over all thresholds, in nats.

    The rules are those that the published metric samples with its grids, without a grid:
    every interval of confidences, half-lines included, with either sample as the one
    expected inside. What one rule demonstrates is the same (`scoring.published.rules`), discarded
    rules and the cap of 50 included. So it is never below `published_epsilon`, except where
    that was decided without any rule: by its "peaky" shortcut.

    Error rates change only where a threshold passes a value, and an epsilon falls with both
    rates. So for each number k of the other sample's members inside, only the interval
    with the most of our own counts: it ends just short of a member of the other sample
    on either side, and among those with k inside the widest is found by subtracting two
    columns of counts. That is n * m numbers per example and role. Two cases need care:

    * members of a tie are all inside or all outside, so an interval starts only after the
      last of a tie and ends before its first;
    * an interval with all of our own sample inside (and some of the other) is discarded, so
      it must leave out our smallest or our largest value: two families, each with one
      boundary that cannot be passed.

    No surviving rule (two equal constants) gives 0: there is nothing to tell apart.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Returns:
        Shape [examples], in [0, 50].

    Raises:
        ValueError: as `published_epsilon` does.
    """
    ours, theirs = (np.sort(sample, axis=0) for sample in paired_confidences(unlearned, retrained))
    epsilon = np.empty(ours.shape[1])
    for start in range(0, epsilon.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        epsilon[block] = np.maximum(
            _epsilon_inside(ours[:, block], theirs[:, block]),
            _epsilon_inside(theirs[:, block], ours[:, block]),
        )
    capped: FloatArray = np.minimum(epsilon, EPSILON_CAP)
    return capped


def _epsilon_inside(own: FloatArray, other: FloatArray) -> FloatArray:
    """Return the largest epsilon of rules that expect ``own`` inside; infinite if one never errs.

    Args:
        own: Sorted. Shape [n, examples].
        other: Sorted. Shape [m, examples].

    Returns:
        Shape [examples], at least 0.
    """
    n, m = own.shape[0], other.shape[0]
    starts, ends = _boundaries(own, other)
    inside = np.maximum(
        _most_inside(_after_the_smallest(own, other, starts), ends),
        _most_inside(starts, _before_the_largest(own, other, ends)),
    )
    exists = inside >= 0  # a rule that is always wrong stands in for one that does not exist
    fpr = np.where(exists, np.arange(1, m + 1)[:, np.newaxis] / m, 1.0)
    fnr = np.where(exists, (n - inside) / n, 1.0)
    of_rules = epsilon_of_rules(fpr.ravel(), fnr.ravel()).reshape(inside.shape)
    epsilon: FloatArray = np.nan_to_num(of_rules, nan=0.0).max(axis=0)
    between = ((own[0] <= other) & (other <= own[-1])).any(axis=0)
    return np.where(between, epsilon, np.inf)


def _boundaries(own: FloatArray, other: FloatArray) -> tuple[_Counts, _Counts]:
    """Return how many of ``own`` lie up to each start of an interval, and before each end.

    Place i of the starts is "just after the i smallest of the other sample", place j of the
    ends "just before its j-th, counted from 0": an interval from i to j holds j - i of it.

    Returns:
        Two of shape [m + 1, examples]; within a tie of the other sample, where nothing may
        start or end, values that make `_most_inside` negative.
    """
    m, examples = other.shape
    starts = np.empty((m + 1, examples), np.int32)
    ends = np.empty((m + 1, examples), np.int32)
    for example in range(examples):
        starts[1:, example] = own[:, example].searchsorted(other[:, example], side="right")
        ends[:-1, example] = own[:, example].searchsorted(other[:, example], side="left")
    starts[0], ends[-1] = 0, own.shape[0]
    tied = other[1:] == other[:-1]
    starts[1:-1][tied] = -_NEVER
    ends[1:-1][tied] = _NEVER
    return starts, ends


def _after_the_smallest(own: FloatArray, other: FloatArray, starts: _Counts) -> _Counts:
    """Return the starts of intervals that leave out the smallest of ``own`` and all equal to it."""
    first = (other <= own[0]).sum(axis=0)
    place = np.arange(starts.shape[0])[:, np.newaxis]
    equal = (own == own[0]).sum(axis=0)
    return np.where(place < first, -_NEVER, np.where(place == first, equal, starts)).astype(np.int32)


def _before_the_largest(own: FloatArray, other: FloatArray, ends: _Counts) -> _Counts:
    """Return the ends of intervals that leave out the largest of ``own`` and all equal to it."""
    last = (other < own[-1]).sum(axis=0)
    place = np.arange(ends.shape[0])[:, np.newaxis]
    below = (own < own[-1]).sum(axis=0)
    return np.where(place > last, _NEVER, np.where(place == last, below, ends)).astype(np.int32)


def _most_inside(starts: _Counts, ends: _Counts) -> _Counts:
    """Return the most of our own sample in any interval that holds k of the other.

    Returns:
        Shape [m, examples], for k = 1 to m; negative where there is no such interval.
    """
    m = starts.shape[0] - 1
    found = np.empty((m, starts.shape[1]), np.int32)
    held = np.empty_like(starts)
    for k in range(1, m + 1):
        room = held[: m + 1 - k]
        np.subtract(ends[k:], starts[: m + 1 - k], out=room)
        np.max(room, axis=0, out=found[k - 1])
    return found
