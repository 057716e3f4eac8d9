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

_SLACK = 1e-6
"""Distance added where a rounded difference must not be too small; it only lets more cells be considered."""


class Cells(NamedTuple):
    """The cells that the grid may reach; examples are the last axis."""

    others_below: NDArray[np.int32]
    """Number of others below each peaky member. Shape [peaky, examples]."""

    previous: FloatArray
    """Peaky member before each, -inf before the first. Shape [peaky, examples]."""

    highest: FloatArray
    """Cell (i, j) is in reach if the member before the i-th is below this. Shape [columns, examples]."""

    rows: list[int]
    """Number of cells of each column of which one may be in reach in any example."""


def reachable_cells(members: FloatArray, peaky_at: CountArray, right: Grid) -> Cells:
    """Return the cells in reach of the grid.

    Right thresholds of column j lie between its last member and the next one: a range of rows of the grid.
    If there are any, the left thresholds of the first of them begin below all members: it is at most one
    step above the last member, and they begin at the width and the buffer below it. So only the last left
    threshold of the last row limits i.

    Args:
        members: Values of the peaky sample, ascending. Shape [examples, peaky].
        peaky_at: Their positions among all values. Same shape.
        right: The right thresholds, of shape [examples, 1].
    """
    examples, peaky = members.shape
    width = members[:, -1:] - members[:, :1]
    columns = min(peaky, int((members > right.start).sum(axis=1).max()) + 1)
    row_first = right.count_below(members[:, ::-1][:, :columns])
    row_end = np.concatenate([right.size, row_first[:, :-1]], axis=1)
    highest = right.threshold(row_end - 1) - width + BUFFER
    highest = np.where(row_first < row_end, highest, -np.inf)
    # No example has more cells in a column than this: distances from its minimum bound them for all.
    nearest, farthest = (members - members[:, :1]).min(axis=0), (highest - members[:, :1]).max(axis=0)
    rows = np.minimum(1 + np.searchsorted(nearest, farthest + _SLACK), peaky - np.arange(columns))
    previous = np.concatenate([np.full((examples, 1), -np.inf), members[:, :-1]], axis=1)
    return Cells(
        others_below=np.ascontiguousarray((peaky_at - np.arange(peaky)).T.astype(np.int32)),
        previous=np.ascontiguousarray(previous.T),
        highest=np.ascontiguousarray(highest.T),
        rows=rows.tolist(),
    )


def fewest_others(cells: Cells, *, others: int) -> NDArray[np.int32]:
    """Return the smallest number of others in the core of any cell in reach, of each diagonal.

    Args:
        cells: Those in reach.
        others: Size of the other sample.

    Returns:
        Shape [diagonals, examples]; one more than there are others where no cell is in reach.
    """
    _, examples = cells.others_below.shape
    diagonals = max(column + count for column, count in enumerate(cells.rows))
    fewest = np.full((diagonals, examples), others + 1, dtype=np.int32)
    inside = np.empty(cells.previous.shape, dtype=np.int32)
    in_reach = np.empty(cells.previous.shape, dtype=np.bool_)
    for column, count in enumerate(cells.rows):
        of_column, reached = inside[:count], in_reach[:count]
        np.subtract(cells.others_below[-1 - column], cells.others_below[:count], out=of_column)
        np.less(cells.previous[:count], cells.highest[column], out=reached)
        smaller = fewest[column : column + count]
        np.minimum(smaller, of_column, out=smaller, where=reached)
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
    left_out = diagonal[:, np.newaxis] - np.arange(max(cells.rows))
    row, i = np.nonzero((left_out >= 0) & (left_out < len(cells.rows)))
    j, of_row = left_out[row, i], example[row]
    more = others[row] - (cells.others_below[-1 - j, of_row] - cells.others_below[i, of_row])
    more[cells.previous[i, of_row] >= cells.highest[j, of_row]] = -1
    cell, below = expand_ranges(np.zeros_like(more), more + 1)
    row, i, j, of_row, above = row[cell], i[cell], j[cell], of_row[cell], more[cell] - below
    return Intervals(row, peaky_at[of_row, i] - below, peaky_at[of_row, -1 - j] + above)
