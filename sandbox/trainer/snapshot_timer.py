"""Timer that decides when the next snapshot of a training is due.

After some seconds, and never so often that writing snapshots takes more than a fiftieth of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_MIN_RATIO: Final = 50.0
"""Of the time between two snapshots to the time that writing one takes."""


class SnapshotTimer:
    """Reports when a snapshot is due, and measures how long writing one takes."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Make the first snapshot due ``seconds`` from now."""
        self._seconds, self._clock = seconds, clock
        self._due = clock() + seconds

    def is_due(self) -> bool:
        """Return whether a snapshot should be written now."""
        return self._clock() >= self._due

    def write(self, work: Callable[[], None]) -> None:
        """Do the work, and schedule the next snapshot by how long it took."""
        start = self._clock()
        work()
        end = self._clock()
        self._due = end + max(self._seconds, _MIN_RATIO * (end - start))
