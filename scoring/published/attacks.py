"""Which decision rules does the published attack try, and what does each take in?

A rule is known here by how many members of each sample it takes in, written as one
integer, its *code*::

    code = (peaky taken in) * (others + 1) + (others taken in)

Codes subtract: what lies in [l, r] is what lies at or below r, less what lies below l.
So every rule is a difference of two entries of one cumulative table over the pooled,
sorted sample, and no array of rules x models ever exists.

The 160 000 double thresholds of an example differ in far fewer codes, for a threshold is
seen only through its *cut*, the number of pooled values below it. So the entries of all
pairs of cuts that the grid could reach are looked up first; then the grid is asked, from the
largest entry down, whether one of its pairs has exactly these cuts. The first that has is
the maximum, the same to the last bit as over all pairs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray

THRESHOLDS_PER_UNIT = 100
"""Density of every grid of thresholds, per unit of confidence."""

BUFFER = 2.0
"""How far the double threshold's grids reach beyond the peaky sample's edges."""

_LEFT_THRESHOLDS = int(np.ceil(2 * BUFFER * THRESHOLDS_PER_UNIT))
_FIRST_CHUNK = 16
"""How many of the largest entries are held against the grid at first; four times as many next."""


class PooledSample(NamedTuple):
    """Two samples in one sorted sequence that knows who came from where."""

    values: FloatArray
    """All confidences, ascending. Shape [peaky + others]."""

    codes: CountArray
    """Entry i is the code of the i smallest values. Shape [peaky + others + 1]."""


def pool(peaky: FloatArray, others: FloatArray) -> PooledSample:
    """Return the pooled sample of the two, each of shape [models].

    The order within a tie is arbitrary and never seen: a threshold takes in all of a tie
    or nothing of it.
    """
    values = np.concatenate([peaky, others])
    order = np.argsort(values)
    weights = np.where(order < peaky.size, others.size + 1, 1)
    return PooledSample(values=values[order], codes=np.concatenate([[0], np.cumsum(weights)]).astype(np.intp))


def single_threshold_codes(pooled: PooledSample) -> CountArray:
    """Return the code of what lies at or above each single threshold.

    The thresholds are ``linspace(min, max, ceil(100 * (max - min)))`` over the pooled
    range, in float64. (The published code lets torch pick float32 for this one grid; it
    differs only for a sample within rounding of a grid point.) A range under 0.01 leaves
    the one threshold ``min``, and a range of zero none at all.

    Returns:
        Shape [thresholds], one code for the rule "positive when f >= t".
    """
    values, codes = pooled
    count = int(np.ceil((values[-1] - values[0]) * THRESHOLDS_PER_UNIT))
    thresholds = np.linspace(values[0], values[-1], count)
    above: CountArray = codes[-1] - codes[np.searchsorted(values, thresholds, side="left")]
    return above


def best_double_threshold(
    pooled: PooledSample, *, low: float, high: float, table: FloatArray, floor: float = -np.inf
) -> float:
    """Return the largest entry of the table that a double threshold of the published grid reaches.

    With ``w = high - low``, r runs over ``linspace(low + w - 2, high + 2, ceil(100 *
    span))`` and for each r, l runs over ``linspace(r - w - 2, r - w + 2, 400)``. The span
    is 4 but for rounding, which decides whether there are 400 or 401 right thresholds; the
    order of the additions below is the published one, so that it rounds alike.

    Args:
        pooled: The two samples.
        low: Minimum of the peaky sample.
        high: Maximum of the peaky sample.
        table: A number for each code. Pairs with nothing between them, so also those with
            l > r, are passed over.
        floor: What is returned where no pair reaches a larger entry.
    """
    values, codes = pooled
    width = high - low
    first, last = low + width - BUFFER, high + BUFFER
    right = np.linspace(first, last, int(np.ceil((last - first) * THRESHOLDS_PER_UNIT)))
    grid = _LeftGrid(start=right - width - BUFFER, stop=right - width + BUFFER)

    # Right thresholds of one cut are a group: the rows row_first[g] to row_end[g] - 1.
    right_cut = np.searchsorted(values, right, side="right")
    row_first = np.concatenate([[0], np.flatnonzero(np.diff(right_cut)) + 1])
    row_end = np.append(row_first[1:], right.size)
    right_cut = right_cut[row_first]
    # The left cuts that a group may reach, as far as they leave something inside.
    cut_first = np.searchsorted(values, grid.start[row_first], side="left")
    cut_end = np.minimum(np.searchsorted(values, grid.stop[row_end - 1], side="left") + 1, right_cut)
    group, left_cut = _runs(cut_first, cut_end)
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
    """The left thresholds of each right one: 400 from start to stop, both of shape [rows]."""

    start: FloatArray
    stop: FloatArray


def _reached(
    values: FloatArray, grid: _LeftGrid, *, cut: CountArray, row_first: CountArray, row_end: CountArray
) -> NDArray[np.bool_]:
    """Return whether a left threshold has the cut, in any of the rows from first to end.

    A threshold has cut k if it lies in ``(values[k - 1], values[k]]``. In each row the
    smallest one above ``values[k - 1]`` decides. Its position is a quotient rounded
    down, plus one; as the quotient may round either way, its neighbours are tried too. Each
    threshold tried is computed as ``linspace`` does, to the last bit.

    Args:
        values: The pooled values, ascending.
        grid: The left thresholds.
        cut: Of each question, below the number of values. Shape [questions].
        row_first: Of each question, the first row. Shape [questions].
        row_end: Of each question, the row after the last. Shape [questions].
    """
    question, row = _runs(row_first, row_end)
    below = np.where(cut > 0, values[cut - 1], -np.inf)[question]
    upper = values[cut][question]
    start, stop = grid.start[row], grid.stop[row]
    step = (stop - start) / (_LEFT_THRESHOLDS - 1)
    position = np.clip((below - start) / step, 0, _LEFT_THRESHOLDS - 1).astype(np.intp)
    hit = np.zeros(question.size, dtype=np.bool_)
    for offset in range(3):
        tried = np.minimum(position + offset, _LEFT_THRESHOLDS - 1)
        threshold = np.where(tried == _LEFT_THRESHOLDS - 1, stop, tried * step + start)
        hit |= (below < threshold) & (threshold <= upper)
    return np.bincount(question[hit], minlength=cut.size) > 0


def _runs(first: CountArray, end: CountArray) -> tuple[CountArray, CountArray]:
    """Return every integer of each range, first to end - 1, behind the number of its range."""
    length = np.maximum(end - first, 0)
    number = np.repeat(np.arange(length.size), length)
    offset = first - (np.cumsum(length) - length)
    return number, np.arange(number.size) + offset.take(number)
