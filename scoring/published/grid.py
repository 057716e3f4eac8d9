"""Grids of thresholds of many examples, counted instead of listed.

The number of points of ``linspace(start, stop, count)`` below a value is a quotient rounded down, and the
next two points decide by comparison, because the quotient is off by far less than one step (at most 1e-9 of
it: values are within 10 000 and steps near 0.01). Points are computed as ``linspace`` does, to the last
bit.
"""

from typing import NamedTuple

import numpy as np

from scoring.checks import CountArray, FloatArray
from scoring.published.attacks import THRESHOLDS_PER_UNIT


class Grid(NamedTuple):
    """Grids of thresholds, ``linspace(start, stop, size)``; all three have the same shape."""

    start: FloatArray
    stop: FloatArray
    size: FloatArray

    @classmethod
    def between(cls, start: FloatArray, stop: FloatArray) -> "Grid":
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
