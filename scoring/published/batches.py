"""The largest table entry of many examples at once; few are left to `scoring.published.attacks`.

A bound that a rule of the grid attains is the maximum. The bound rests on *cells*: cell (i, j) contains the
intervals [l, r] that leave out the i smallest and the j largest members of the peaky sample. All
intervals of a cell include equally many peaky members, and none includes fewer others than the interval
from the first to the last of these members, the *core*. So no entry of the cell exceeds the maximum of the
table over this number of peaky members and the core's number of others or more, its *envelope*, whatever the
table is. Cells that no threshold of the grid reaches are left out, and then three outcomes are possible:

* the largest bound is not above the best single threshold, so no double threshold is;
* a pair of thresholds of the grid encloses exactly the core of the cell with the largest bound, and
  its entry equals the bound: it is the maximum;
* neither: the example is undecided. Every pair of the grid has to be tried, as `attacks` does.

No result depends on how tight the bounds are, only the number of undecided examples does: 4 to 7 of
100 for normals at 256 models on each side.

Thresholds are counted, not listed: the number of points of ``linspace(start, stop, count)`` below a value is
a quotient rounded down, and the next two points decide by comparison, because the quotient is off by
far less than one step (at most 1e-9 of it: values are within 10 000 and steps near 0.01). Points
are computed as ``linspace`` does, to the last bit.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.published.attacks import BUFFER, THRESHOLDS_PER_UNIT, expand_ranges, left_threshold_between

_SLACK = 1e-6
"""Distance added where a rounded difference must not be too small; it only lets more cells be considered."""


class EntryTable(NamedTuple):
    """A number for each code, and the bounds that follow from it."""

    entries: FloatArray
    """Shape [(peaky + 1) * (others + 1)], indexed by code, with -inf for discarded rules."""

    envelope: FloatArray
    """Maximum of the entries with equally many peaky members and as many others or more. Same shape."""


def entry_table(entries: FloatArray, *, others: int) -> EntryTable:
    """Return the table of these entries, indexed by code, for this size of the other sample."""
    by_others = entries.reshape(-1, others + 1)[:, ::-1]
    envelope = np.maximum.accumulate(by_others, axis=1)[:, ::-1].ravel()
    return EntryTable(read_only_copy(entries), read_only_copy(envelope))


class PooledSamples(NamedTuple):
    """For each example, two samples merged into one sorted sequence, as `attacks.PooledSample`."""

    values: FloatArray
    """All confidences, ascending. Shape [examples, peaky + others]."""

    codes: CountArray
    """Entry i of a row is the code of its i smallest values. Shape [examples, peaky + others + 1]."""

    peaky_at: CountArray
    """Positions of the peaky members among the values, ascending. Shape [examples, peaky]."""


def pool_examples(peaky: FloatArray, others: FloatArray) -> PooledSamples:
    """Return the pooled samples of two samples of each example, each ascending, of shape [models, examples].

    Any order of the models gives the same result, but two ascending samples are merged faster: the stable
    sort detects them. The order within a tie has no effect, as in `attacks.pool`.
    """
    pooled = np.ascontiguousarray(np.concatenate([peaky, others]).T)
    examples, size = pooled.shape
    order = np.argsort(pooled, axis=1, kind="stable")
    is_peaky = order < len(peaky)
    codes = np.zeros((examples, size + 1), dtype=np.intp)
    np.cumsum(np.where(is_peaky, len(others) + 1, 1), axis=1, out=codes[:, 1:])
    return PooledSamples(
        values=np.take_along_axis(pooled, order, axis=1),
        codes=codes,
        peaky_at=(np.flatnonzero(is_peaky) % size).reshape(examples, len(peaky)),
    )


def best_single_thresholds(
    samples: PooledSamples, table: EntryTable, *, peaky_is_positive: NDArray[np.bool_]
) -> FloatArray:
    """Return the largest entry of any single threshold, -inf if there is none. Shape [examples].

    The thresholds are ``linspace(min, max, ceil(100 * (max - min)))`` over the pooled
    range, in float64. (The published code lets torch pick float32 for this one grid; it
    differs only for a value within rounding of a grid point.) A range under 0.01 leaves
    the single threshold ``min``, and a range of zero leaves none. The rule is "positive when f >= t", so a
    threshold matters only through the number of values below it: there is one rule for each value that has a
    threshold at or below it and above the previous value. "Others at or above t" makes the same errors as
    "peaky below t", with the rates swapped.

    Args:
        samples: The two samples of each example.
        table: A number for each code.
        peaky_is_positive: Whether thresholds expect the peaky sample above them. Shape [examples].
    """
    values, codes = samples.values, samples.codes
    below = codes[:, :-1]
    entry = table.entries.take(np.where(peaky_is_positive[:, np.newaxis], codes[:, -1:] - below, below))

    # Most often a threshold of the grid has the largest entry of all; otherwise all of them are tried.
    largest: FloatArray = entry.max(axis=1)
    cut = entry.argmax(axis=1)[:, np.newaxis]
    value = np.take_along_axis(values, cut, axis=1)
    previous = np.where(cut > 0, np.take_along_axis(values, np.maximum(cut - 1, 0), axis=1), -np.inf)
    grid = _Grid.between(values[:, :1], values[:, -1:])
    number = [grid.count_below(edge, inclusive=True) for edge in (previous, value)]
    rest = np.flatnonzero(number[0] == number[1])

    grid = _Grid(*(part[rest] for part in grid))
    reached = np.diff(grid.count_below(values[rest], inclusive=True), axis=1, prepend=0) > 0
    largest[rest] = np.where(reached, entry[rest], -np.inf).max(axis=1)
    return largest


def best_double_thresholds(
    samples: PooledSamples, table: EntryTable, *, floor: FloatArray
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the largest entry of any double threshold, or the floor if that is larger.

    The grid is that of `attacks.best_double_threshold`.

    Args:
        samples: The two samples of each example.
        table: A number for each code, at most 0 for a rule that includes no peaky member.
        floor: Largest entry that is attained by other rules. Shape [examples].

    Returns:
        The largest entries and whether they are decided, both of shape [examples]. An undecided value
        is only an upper bound. With a floor below 0 an example is always undecided.
    """
    values, codes, peaky_at = samples
    members = np.take_along_axis(values, peaky_at, axis=1)
    width = members[:, -1:] - members[:, :1]
    right = _Grid.between(members[:, :1] + width - BUFFER, members[:, -1:] + BUFFER)
    best, first, last = _best_cells(samples, members, right, table=table, floor=floor)

    promising = np.flatnonzero(best > floor)
    first, last = first[promising], last[promising]
    grid = _Grid(*(part[promising, 0] for part in right))
    next_value = np.where(last + 1 < values.shape[1], values[promising, (last + 1) % values.shape[1]], np.inf)
    query, row = expand_ranges(
        grid.count_below(values[promising, last]).astype(np.intp),
        grid.count_below(next_value).astype(np.intp),
    )
    threshold, row_width = grid.threshold(row, query), width[promising, 0][query]
    enclosed = left_threshold_between(
        np.where(first > 0, values[promising, first - 1], -np.inf)[query],
        values[promising, first][query],
        start=threshold - row_width - BUFFER,
        stop=threshold - row_width + BUFFER,
    )
    attained = np.bincount(query[enclosed], minlength=promising.size) > 0
    attained &= table.entries[codes[promising, last + 1] - codes[promising, first]] == best[promising]
    decided = floor >= 0
    decided[promising] &= attained
    return best, decided


class _Grid(NamedTuple):
    """Grids of thresholds, ``linspace(start, stop, size)``; all three have the same shape."""

    start: FloatArray
    stop: FloatArray
    size: FloatArray

    @classmethod
    def between(cls, start: FloatArray, stop: FloatArray) -> "_Grid":
        """Return the grids from start to stop with the density of all grids."""
        return cls(start, stop, np.ceil((stop - start) * THRESHOLDS_PER_UNIT))

    def threshold(self, i: FloatArray | CountArray, grid: CountArray | slice = slice(None)) -> FloatArray:
        """Return point i of each grid or of the selected grids."""
        start, stop, last = self.start[grid], self.stop[grid], self.size[grid] - 1
        step = (stop - start) / np.maximum(last, 1)
        return np.where((i == last) & (last > 0), stop, i * step + start)

    def count_below(self, values: FloatArray, *, inclusive: bool = False) -> FloatArray:
        """Return the number of thresholds below each value, or at or below it."""
        step = (self.stop - self.start) / np.maximum(self.size - 1, 1)
        position = np.floor((values - self.start) / np.where(step > 0, step, 1.0))
        position = np.clip(position, 0, np.maximum(self.size - 1, 0))
        number = position.copy()
        compare = np.less_equal if inclusive else np.less
        for candidate in (position, position + 1):
            number += compare(self.threshold(candidate), values) & (candidate < self.size)
        return number


def _best_cells(
    samples: PooledSamples, members: FloatArray, right: _Grid, *, table: EntryTable, floor: FloatArray
) -> tuple[FloatArray, CountArray, CountArray]:
    """Return the largest bound of any cell within reach of the grid, and the core of its cell.

    Right thresholds of column j lie between its last member and the next one: a range of rows of the grid.
    Their left thresholds lie between the first one of the first row and the last one of the last row; cell i
    is left out if it is not between them.

    Args:
        samples: The two samples of each example.
        members: Values of the peaky sample, ascending. Shape [examples, peaky].
        right: The right thresholds, of shape [examples, 1].
        table: A number for each code.
        floor: Bounds up to the floor are not looked for. Shape [examples].

    Returns:
        Bound, position of the core's first and position of its last value, each of shape [examples].
        Where no bound is above the floor, the bound is the floor and the positions are meaningless.
    """
    _, codes, peaky_at = samples
    examples, peaky = members.shape
    width = members[:, -1:] - members[:, :1]
    columns = min(peaky, int((members > right.start).sum(axis=1).max()) + 1)
    core_end = peaky_at[:, ::-1][:, :columns]
    up_to_end = np.take_along_axis(codes, core_end + 1, axis=1)
    below_start = np.take_along_axis(codes, peaky_at, axis=1)

    row_first = right.count_below(members[:, ::-1][:, :columns])
    row_end = np.concatenate([right.size, row_first[:, :-1]], axis=1)
    lowest = np.where(row_first < row_end, right.threshold(row_first) - width - BUFFER, np.inf)
    highest = right.threshold(row_end - 1) - width + BUFFER
    previous = np.concatenate([np.full((examples, 1), -np.inf), members[:, :-1]], axis=1)
    # No example has more cells in a column than this: distances from its minimum bound them for all.
    nearest, farthest = (members - members[:, :1]).min(axis=0), (highest - members[:, :1]).max(axis=0)
    cells = np.minimum(1 + np.searchsorted(nearest, farthest + _SLACK), peaky - np.arange(columns))

    best, core = floor.copy(), np.zeros((2, examples), dtype=np.intp)
    every = np.arange(examples)
    for column, count in enumerate(cells.tolist()):
        low, high = lowest[:, column, np.newaxis], highest[:, column, np.newaxis]
        in_reach = (low <= members[:, :count]) & (previous[:, :count] < high)
        bound = table.envelope.take(up_to_end[:, column, np.newaxis] - below_start[:, :count])
        bound = np.where(in_reach, bound, -np.inf)
        i = bound.argmax(axis=1)
        better = bound[every, i] > best
        best[better] = bound[every, i][better]
        core[:, better] = peaky_at[every, i][better], core_end[better, column]
    return best, core[0], core[1]
