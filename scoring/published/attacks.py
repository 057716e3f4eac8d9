"""Decision rules of the published attack, and how many members of each sample a rule includes.

A rule is represented by the number of members of each sample that it includes, written as one
integer, its *code*::

    code = (peaky members included) * (others + 1) + (other members included)

Codes subtract: the values in [l, r] are the values at or below r minus the values below l.
So every rule is a difference of two entries of one cumulative table over the pooled,
sorted sample, and no array of rules x models ever exists.

The 160 000 double thresholds of an example have far fewer codes, because a threshold matters
only through its *cut*, the number of pooled values below it. So the entries of all
pairs of cuts that the grid could reach are looked up first; then, from the largest entry
down, the grid is searched for a pair with exactly these cuts. The first entry with such a pair is
the maximum, the same to the last bit as over all pairs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray

THRESHOLDS_PER_UNIT = 100
"""Density of every grid of thresholds, per unit of confidence."""

BUFFER = 2.0
"""Distance by which the grids of the double threshold extend beyond the edges of the peaky sample."""

_LEFT_THRESHOLDS = int(np.ceil(2 * BUFFER * THRESHOLDS_PER_UNIT))
_FIRST_CHUNK = 16
"""Number of largest entries that are searched in the grid first; each next chunk is four times as large."""


class PooledSample(NamedTuple):
    """Two samples merged into one sorted sequence that records which sample each value came from."""

    values: FloatArray
    """All confidences, ascending. Shape [peaky + others]."""

    codes: CountArray
    """Entry i is the code of the i smallest values. Shape [peaky + others + 1]."""


def pool(peaky: FloatArray, others: FloatArray) -> PooledSample:
    """Return the pooled sample of two samples, each of shape [models].

    The order within a tie is arbitrary and has no effect: a threshold includes all of a tie
    or none of it.
    """
    values = np.concatenate([peaky, others])
    order = np.argsort(values)
    weights = np.where(order < peaky.size, others.size + 1, 1)
    return PooledSample(values=values[order], codes=np.concatenate([[0], np.cumsum(weights)]).astype(np.intp))


def best_double_threshold(
    pooled: PooledSample, *, low: float, high: float, table: FloatArray, floor: float = -np.inf
) -> float:
    """Return the largest entry of the table that a double threshold of the published grid reaches.

    With ``w = high - low``, r runs over ``linspace(low + w - 2, high + 2, ceil(100 *
    span))`` and for each r, l runs over ``linspace(r - w - 2, r - w + 2, 400)``. The span
    is 4 up to rounding, and the rounding decides whether there are 400 or 401 right thresholds. The
    additions below are in the published order, so that they round in the same way.

    Args:
        pooled: The two samples.
        low: Minimum of the peaky sample.
        high: Maximum of the peaky sample.
        table: A number for each code. Pairs with no value between them, which includes those with
            l > r, are skipped.
        floor: Value to return if no pair reaches a larger entry.
    """
    values, codes = pooled
    width = high - low
    first, last = low + width - BUFFER, high + BUFFER
    right = np.linspace(first, last, int(np.ceil((last - first) * THRESHOLDS_PER_UNIT)))
    grid = _LeftGrid(start=right - width - BUFFER, stop=right - width + BUFFER)

    # Right thresholds with the same cut form a group: the rows row_first[g] to row_end[g] - 1.
    right_cut = np.searchsorted(values, right, side="right")
    row_first = np.concatenate([[0], np.flatnonzero(np.diff(right_cut)) + 1])
    row_end = np.append(row_first[1:], right.size)
    right_cut = right_cut[row_first]
    # The left cuts that a group may reach, restricted to those that leave a value inside.
    cut_first = np.searchsorted(values, grid.start[row_first], side="left")
    cut_end = np.minimum(np.searchsorted(values, grid.stop[row_end - 1], side="left") + 1, right_cut)
    group, left_cut = expand_ranges(cut_first, cut_end)
    entry = table.take(codes.take(right_cut).take(group) - codes.take(left_cut))

    left, chunk = np.flatnonzero(entry > floor), _FIRST_CHUNK
    while left.size:
        split = np.argpartition(entry[left], -chunk) if left.size > chunk else np.arange(left.size)
        largest, left = left[split[-chunk:]], left[split[:-chunk]]
        reached = _reached(
            values,
            grid,
            cut=left_cut[largest],
            row_first=row_first[group[largest]],
            row_end=row_end[group[largest]],
        )
        if reached.any():
            return float(entry[largest[reached]].max())
        chunk *= 4
    return floor


class _LeftGrid(NamedTuple):
    """The left thresholds of each right threshold: 400 from start to stop, both of shape [rows]."""

    start: FloatArray
    stop: FloatArray


def _reached(
    values: FloatArray, grid: _LeftGrid, *, cut: CountArray, row_first: CountArray, row_end: CountArray
) -> NDArray[np.bool_]:
    """Return for each query whether a left threshold has its cut in any of its rows.

    A threshold has cut k if it lies in ``(values[k - 1], values[k]]``.

    Args:
        values: The pooled values, ascending.
        grid: The left thresholds.
        cut: Cut of each query, below the number of values. Shape [queries].
        row_first: First row of each query. Shape [queries].
        row_end: Row after the last of each query. Shape [queries].

    Returns:
        Shape [queries].
    """
    query, row = expand_ranges(row_first, row_end)
    hit = left_threshold_between(
        np.where(cut > 0, values[cut - 1], -np.inf)[query],
        values[cut][query],
        start=grid.start[row],
        stop=grid.stop[row],
    )
    return np.bincount(query[hit], minlength=cut.size) > 0


def left_threshold_between(
    below: FloatArray, upper: FloatArray, *, start: FloatArray, stop: FloatArray
) -> NDArray[np.bool_]:
    """Return whether a left threshold ``linspace(start, stop, 400)`` lies in ``(below, upper]``.

    The smallest threshold above ``below`` decides. Its position is a quotient rounded
    down, plus one; because the quotient may round either way, its neighbours are tried too. Each
    candidate threshold is computed as ``linspace`` does, to the last bit.

    Args:
        below: Lower ends of the intervals, may be -inf. Shape [rows].
        upper: Upper ends of the intervals. Shape [rows].
        start: First threshold of each row. Shape [rows].
        stop: Last threshold of each row. Shape [rows].

    Returns:
        Shape [rows].
    """
    step = (stop - start) / (_LEFT_THRESHOLDS - 1)
    position = np.clip((below - start) / step, 0, _LEFT_THRESHOLDS - 1).astype(np.intp)
    hit = np.zeros(position.size, dtype=np.bool_)
    for offset in range(3):
        candidate = np.minimum(position + offset, _LEFT_THRESHOLDS - 1)
        threshold = np.where(candidate == _LEFT_THRESHOLDS - 1, stop, candidate * step + start)
        hit |= (below < threshold) & (threshold <= upper)
    return hit


def expand_ranges(first: CountArray, end: CountArray) -> tuple[CountArray, CountArray]:
    """Return the index of the range and the value, for every integer of each range from first to end - 1."""
    length = np.maximum(end - first, 0)
    index = np.repeat(np.arange(length.size), length)
    offset = first - (np.cumsum(length) - length)
    return index, np.arange(index.size) + offset.take(index)
