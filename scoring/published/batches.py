"""The largest table entry of many examples at once; few are left to `scoring.published.attacks`.

Intervals [l, r] that include equally many peaky members form a *diagonal* of cells (see
`scoring.published.cells`). None of them includes fewer others than the core of some cell within reach of the
grid. So no entry of a diagonal exceeds the maximum of the table over this number of peaky members and the
fewest others of any core or more, its *envelope*, whatever the table is. The diagonal with the largest bound
is tried first:

* if its bound is not above the best single threshold, no double threshold is;
* if a pair of thresholds encloses exactly an interval with the fewest others, and its entry equals the bound,
  it is the maximum;
* if no pair does, all intervals of the diagonal include one other more, which gives a new bound;
* after a few such bounds, or where the entry of these intervals is below their bound, the example is
  undecided. Every pair of the grid has to be tried, as `attacks` does.

No result depends on how tight the bounds are, only the number of undecided examples does: 0 or 1 of 200 for
normals with 128 to 512 models on each side, shifted and scaled ones too.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scoring.checks import CountArray, FloatArray, read_only_copy
from scoring.published.attacks import BUFFER, expand_ranges, left_threshold_between
from scoring.published.cells import Intervals, fewest_others, intervals, reachable_cells
from scoring.published.grid import Grid

_ROUNDS = 8
"""Number of bounds that are compared with the grid, the largest first, until an example is undecided."""


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


def pool_examples(values: FloatArray, is_peaky: NDArray[np.bool_]) -> PooledSamples:
    """Return the pooled samples of sorted values, of which each example has equally many peaky members.

    The order within a tie has no effect, as in `attacks.pool`.

    Args:
        values: All confidences, ascending. Shape [examples, peaky + others].
        is_peaky: Whether each value is of the peaky sample. Same shape.
    """
    examples, size = values.shape
    peaky_at = np.flatnonzero(is_peaky).reshape(examples, -1) - np.arange(examples)[:, np.newaxis] * size
    others = size - peaky_at.shape[1]
    codes = np.zeros((examples, size + 1), dtype=np.intp)
    np.cumsum(np.where(is_peaky, others + 1, 1), axis=1, out=codes[:, 1:])
    return PooledSamples(values=values, codes=codes, peaky_at=peaky_at)


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
    grid = Grid.between(values[:, :1], values[:, -1:])
    number = [grid.count_below(edge, inclusive=True) for edge in (previous, value)]
    rest = np.flatnonzero(number[0] == number[1])

    grid = Grid(*(part[rest] for part in grid))
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
    values, _, peaky_at = samples
    members = np.take_along_axis(values, peaky_at, axis=1)
    peaky, others = members.shape[1], values.shape[1] - members.shape[1]
    right = Grid.between(
        members[:, :1] + (members[:, -1:] - members[:, :1]) - BUFFER, members[:, -1:] + BUFFER
    )
    cells = reachable_cells(members, peaky_at, right)
    fewest = fewest_others(cells, others=others)
    code = (peaky - np.arange(len(fewest))) * (others + 1)  # of each diagonal, without others

    bounds = table.envelope.take(code[:, np.newaxis] + np.minimum(fewest, others))
    bounds[fewest > others] = -np.inf
    best, undecided = floor.copy(), floor < 0
    pending = np.flatnonzero(~undecided)
    for _ in range(_ROUNDS):
        diagonal = bounds[:, pending].argmax(axis=0)
        best[pending] = np.maximum(bounds[diagonal, pending], floor[pending])
        is_higher = best[pending] > floor[pending]
        pending, diagonal = pending[is_higher], diagonal[is_higher]
        if pending.size == 0:
            break
        number = fewest[diagonal, pending].astype(np.intp)
        rule_code = code[diagonal] + number
        fewest[diagonal, pending] += 1
        next_bound = table.envelope.take(rule_code + 1, mode="clip")
        bounds[diagonal, pending] = np.where(number < others, next_bound, -np.inf)
        entry = table.entries[rule_code]
        is_bound = entry == best[pending]
        undecided[pending] = ~is_bound & (entry > floor[pending])
        candidates = intervals(cells, peaky_at, example=pending, diagonal=diagonal, others=number)
        reached = _reached(samples, right, candidates, example=pending, code=rule_code)
        pending = pending[~(is_bound & reached) & ~undecided[pending]]
    undecided[pending] = True
    return best, ~undecided


def _reached(
    samples: PooledSamples, right: Grid, candidates: Intervals, *, example: CountArray, code: CountArray
) -> NDArray[np.bool_]:
    """Return whether a pair of thresholds encloses exactly one of the intervals with this code.

    Args:
        samples: The two samples of all examples.
        right: Right thresholds of all examples, of shape [examples, 1].
        candidates: Intervals, of which some have another code or end where there are no values.
        example: Position of each example that is asked for. Shape [rows].
        code: Code that is looked for. Shape [rows].

    Returns:
        Shape [rows].
    """
    values, codes, peaky_at = samples
    size = values.shape[1]
    exists = np.flatnonzero((candidates.first >= 0) & (candidates.last < size))
    row, first, last = (part[exists] for part in candidates)
    equal = codes[example[row], last + 1] - codes[example[row], first] == code[row]
    row, first, last = row[equal], first[equal], last[equal]

    of_row = example[row]
    width = values[of_row, peaky_at[of_row, -1]] - values[of_row, peaky_at[of_row, 0]]
    grid = Grid(*(part[of_row, 0] for part in right))
    next_value = np.where(last + 1 < size, values[of_row, (last + 1) % size], np.inf)
    query, point = expand_ranges(
        grid.count_below(values[of_row, last]).astype(np.intp), grid.count_below(next_value).astype(np.intp)
    )
    threshold = grid.threshold(point, query)
    enclosed = left_threshold_between(
        np.where(first > 0, values[of_row, first - 1], -np.inf)[query],
        values[of_row, first][query],
        start=threshold - width[query] - BUFFER,
        stop=threshold - width[query] + BUFFER,
    )
    return np.bincount(row[query[enclosed]], minlength=example.size) > 0
