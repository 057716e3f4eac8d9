"""Cells of intervals, for many examples at once.

Cell (i, j) contains the intervals that leave out the i smallest and the j largest members of the peaky
sample. None includes fewer others than the interval from the first to the last of the remaining members, the
*core*, which has ``others_below[-1 - j] - others_below[i]``. All intervals of a *diagonal* ``i + j`` include
equally many peaky members.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray
from scoring.published.attacks import BUFFER, expand_ranges
from scoring.published.grid import Grid

_APART = 4e4
"""Distance between the values of two examples that are searched together; confidences are within 10 000."""

_SLACK = 1e-6
"""Added where a rounded number must not be too small; it only lets more cells be considered."""


class Cells(NamedTuple):
    """The cells that the grid may reach; examples are the last axis."""

    others_below: NDArray[np.int32]
    """Number of others below each peaky member. Shape [peaky, examples]."""

    reach: NDArray[np.int32]
    """Largest i of a cell of each column in reach, -1 if none is. Shape [columns, examples]."""


def reachable_cells(members: FloatArray, peaky_at: CountArray, right: Grid) -> Cells:
    """Return the cells in reach of the grid.

    Right thresholds of column j lie between its last member and the next one: a range of rows of the grid.
    If there are any, the left thresholds of the first of them begin below all members: it is at most one
    step above the last member, and they begin at the width and the buffer below it. So only the last left
    threshold of the last row limits i: it has to be above the member before the i-th. Rows are computed with
    a slack, not to the last bit.

    Args:
        members: Values of the peaky sample, ascending. Shape [examples, peaky].
        peaky_at: Their positions among all values. Same shape.
        right: The right thresholds, of shape [examples, 1].
    """
    examples, peaky = members.shape
    width = members[:, -1:] - members[:, :1]
    columns = min(peaky, int((members > right.start).sum(axis=1).max()) + 1)
    step = (right.stop - right.start) / (right.size - 1)
    row = (members[:, ::-1][:, :columns] - right.start) / step
    row_first = np.ceil(row - _SLACK)
    row_last = np.floor(np.concatenate([right.size - 1, row[:, :-1]], axis=1) + _SLACK)
    highest = right.start + row_last * step - width + BUFFER
    example = np.arange(examples)[:, np.newaxis]
    below = np.searchsorted((members + example * _APART).ravel(), highest + _SLACK + example * _APART)
    reach = np.where(row_first <= row_last, below - example * peaky, -1)
    return Cells(
        others_below=np.ascontiguousarray((peaky_at - np.arange(peaky)).T, dtype=np.int32),
        reach=np.ascontiguousarray(reach.T, dtype=np.int32),
    )


def fewest_others(cells: Cells, *, others: int) -> NDArray[np.int32]:
    """Return the smallest number of others in the core of any cell in reach, of each diagonal.

    Args:
        cells: Those in reach.
        others: Size of the other sample.

    Returns:
        Shape [diagonals, examples]; more than there are others where no cell is in reach.
    """
    others_below, reach = cells
    peaky, examples = others_below.shape
    rows = np.minimum(reach.max(axis=1) + 1, peaky - np.arange(len(reach)))
    fewest = np.full(((rows + np.arange(len(rows))).max(), examples), others + 1, dtype=np.int32)
    # For a cell out of reach this is more than the number of others, and otherwise 0 or less.
    i_times = np.arange(peaky, dtype=np.int32)[:, np.newaxis] * np.int32(others + 1)
    reach_times = reach * np.int32(others + 1)
    buffers = np.empty((2, rows.max(), examples), dtype=np.int32)
    for column, count in enumerate(rows.tolist()):
        inside, beyond = buffers[:, :count]
        np.subtract(others_below[-1 - column], others_below[:count], out=inside)
        np.subtract(i_times[:count], reach_times[column], out=beyond)
        np.maximum(inside, beyond, out=inside)
        smaller = fewest[column : column + count]
        np.minimum(smaller, inside, out=smaller)
    return fewest


class Intervals(NamedTuple):
    """Intervals of one example each, from one of its values to another. All of shape [intervals]."""

    row: CountArray
    """Position of the example among those that were asked for."""

    first: CountArray
    """Position of the smallest value inside."""

    last: CountArray
    """Position of the largest value inside."""


def intervals(
    cells: Cells, peaky_at: CountArray, *, example: CountArray, diagonal: CountArray, others: CountArray
) -> Intervals:
    """Return the intervals of the cells in reach of a diagonal that contain this many others, and more.

    Each core is extended to both sides until it contains so many others. Where the next value is a
    peaky member instead, the interval contains more of these; the caller tells them apart.

    Args:
        cells: Those in reach.
        peaky_at: Positions of the peaky members among all values. Shape [examples, peaky].
        example: Positions of the examples that are asked for. Shape [rows].
        diagonal: Diagonal of each. Shape [rows].
        others: Number of others in each. Shape [rows].
    """
    left_out = diagonal[:, np.newaxis] - np.arange(cells.reach.max() + 1)
    row, i = np.nonzero((left_out >= 0) & (left_out < len(cells.reach)))
    j, of_row = left_out[row, i], example[row]
    more = others[row] - (cells.others_below[-1 - j, of_row] - cells.others_below[i, of_row])
    more[i > cells.reach[j, of_row]] = -1
    cell, below = expand_ranges(np.zeros_like(more), more + 1)
    row, i, j, of_row, above = row[cell], i[cell], j[cell], of_row[cell], more[cell] - below
    return Intervals(row, peaky_at[of_row, i] - below, peaky_at[of_row, -1 - j] + above)
