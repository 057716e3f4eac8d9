"""When is it worth writing down how far a training has come?

After some seconds, and never so often that writing takes more than a fiftieth of the time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_LEAST_RATIO: Final = 50.0


class Pace:
    """Tells when the next writing is due."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Let the first be due ``seconds`` from now."""
        self._seconds, self._clock = seconds, clock
        self._due = clock() + seconds

    def is_due(self) -> bool:
        """Return whether it is time."""
        return self._clock() >= self._due

    def write(self, work: Callable[[], None]) -> None:
        """Do the work, and let the next be due by how long it took."""
        begun = self._clock()
        work()
        ended = self._clock()
        self._due = ended + max(self._seconds, _LEAST_RATIO * (ended - begun))
