"""The exact epsilon: the supremum over all thresholds, not over those of a grid."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scoring.checks import FloatArray
from scoring.published.epsilon import EPSILON_CAP
from scoring.published.rules import epsilon_of_rules
from scoring.samples import paired_confidences

_BLOCK = 256
"""Number of examples processed at a time, so that the arrays stay in the processor's cache."""

_Counts = NDArray[np.int32]
_IMPOSSIBLE = -(1 << 20)
"""Count of a rule that does not exist: below any number of models, even after an addition."""


def exact_epsilon(unlearned: ArrayLike, retrained: ArrayLike) -> FloatArray:
    """Return each forget example's supremum of epsilon over all thresholds, in nats.

    The published metric samples its rules with grids; here they are complete:
    every interval of confidences, half-lines included, with either sample as the one
    expected inside. The epsilon of one rule is the same (`scoring.published.rules`), including discarded
    rules and the cap of 50. So the result is never below `published_epsilon`, except where
    that was decided without any rule, by its "peaky" shortcut.

    Error rates change only where a threshold passes a value, and an epsilon falls with both
    rates. So for each number k of members of the other sample inside, only the interval with the
    most members of the expected (own) sample matters. It ends just short of a member of the other
    sample on either side, and the widest interval with k inside follows from subtracting two
    columns of counts. That is n * m numbers per example and role. Two cases need care:

    * members of a tie are all inside or all outside, so an interval starts only after the
      last of a tie and ends before its first;
    * an interval with all of the own sample inside (and some of the other) is discarded, so
      it must leave out the smallest or the largest own value: two families, each with one
      boundary that the interval cannot pass.

    If no rule survives (two equal constants), epsilon is 0: the samples cannot be distinguished.

    Args:
        unlearned: Confidences under the unlearned models. Shape [n, examples], n >= 2.
        retrained: Confidences under the references. Shape [m, examples], m >= 2.

    Returns:
        Shape [examples], in [0, 50].

    Raises:
        ValueError: as in `published_epsilon`.
    """
    unlearned, retrained = (np.sort(sample, axis=0) for sample in paired_confidences(unlearned, retrained))
    epsilon = np.empty(unlearned.shape[1])
    for start in range(0, epsilon.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        epsilon[block] = np.maximum(
            _epsilon_inside(unlearned[:, block], retrained[:, block]),
            _epsilon_inside(retrained[:, block], unlearned[:, block]),
        )
    capped: FloatArray = np.minimum(epsilon, EPSILON_CAP)
    return capped


def _epsilon_inside(own: FloatArray, other: FloatArray) -> FloatArray:
    """Return the largest epsilon of the rules that expect ``own`` inside; infinite if a rule never errs.

    Args:
        own: Sorted. Shape [n, examples].
        other: Sorted. Shape [m, examples].

    Returns:
        Shape [examples], at least 0.
    """
    n, m = own.shape[0], other.shape[0]
    starts, ends = _boundaries(own, other)
    # An interval of the second family that starts later is in the first one too, with no fewer members.
    later = int((other <= own[0]).sum(axis=0).max()) + 1
    inside = np.maximum(
        _max_inside(_starts_after_smallest(own, other, starts), ends),
        _max_inside(starts[:later], _ends_before_largest(own, other, ends)),
    )
    exists = inside >= 0  # a rule that is always wrong replaces a rule that does not exist
    fpr = np.where(exists, np.arange(1, m + 1)[:, np.newaxis] / m, 1.0)
    fnr = np.where(exists, (n - inside) / n, 1.0)
    of_rules = epsilon_of_rules(fpr.ravel(), fnr.ravel()).reshape(inside.shape)
    epsilon: FloatArray = np.nan_to_num(of_rules, nan=0.0).max(axis=0)
    between = ((own[0] <= other) & (other <= own[-1])).any(axis=0)
    return np.where(between, epsilon, np.inf)


def _boundaries(own: FloatArray, other: FloatArray) -> tuple[_Counts, _Counts]:
    """Return the number of members of ``own`` up to each start of an interval, and before each end.

    Start i is "just after the i smallest members of the other sample", end j is "just before its
    j-th member, counted from 0": an interval from i to j contains j - i members of it.

    Returns:
        Two arrays of shape [m + 1, examples]. Within a tie of the other sample, where no interval may
        start or end, they hold values that make `_max_inside` negative.
    """
    m, examples = other.shape
    starts = np.empty((m + 1, examples), np.int32)
    ends = np.empty((m + 1, examples), np.int32)
    for example in range(examples):
        starts[1:, example] = own[:, example].searchsorted(other[:, example], side="right")
        ends[:-1, example] = own[:, example].searchsorted(other[:, example], side="left")
    starts[0], ends[-1] = 0, own.shape[0]
    tied = other[1:] == other[:-1]
    starts[1:-1][tied] = -_IMPOSSIBLE
    ends[1:-1][tied] = _IMPOSSIBLE
    return starts, ends


def _starts_after_smallest(own: FloatArray, other: FloatArray, starts: _Counts) -> _Counts:
    """Return the starts of intervals that leave out the smallest value of ``own``, with its ties."""
    first = (other <= own[0]).sum(axis=0)
    place = np.arange(starts.shape[0])[:, np.newaxis]
    equal = (own == own[0]).sum(axis=0)
    return np.where(place < first, -_IMPOSSIBLE, np.where(place == first, equal, starts)).astype(np.int32)


def _ends_before_largest(own: FloatArray, other: FloatArray, ends: _Counts) -> _Counts:
    """Return the ends of intervals that leave out the largest value of ``own``, with its ties."""
    last = (other < own[-1]).sum(axis=0)
    place = np.arange(ends.shape[0])[:, np.newaxis]
    below = (own < own[-1]).sum(axis=0)
    return np.where(place > last, _IMPOSSIBLE, np.where(place == last, below, ends)).astype(np.int32)


def _max_inside(starts: _Counts, ends: _Counts) -> _Counts:
    """Return the maximum number of own members in any interval that contains k members of the other.

    Args:
        starts: Those of the intervals, one or more. Shape [starts, examples].
        ends: Shape [m + 1, examples].

    Returns:
        Shape [m, examples], for k = 1 to m; negative if no such interval exists.
    """
    m = ends.shape[0] - 1
    maximum: _Counts = ends[1:] - starts[0]
    buffer = np.empty_like(maximum)
    for start in range(1, min(len(starts), m)):
        inside = np.subtract(ends[start + 1 :], starts[start], out=buffer[: m - start])
        np.maximum(maximum[: m - start], inside, out=maximum[: m - start])
    return maximum
