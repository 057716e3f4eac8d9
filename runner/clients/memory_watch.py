"""How much memory a run uses at most: what its container uses while it goes on, less what it used before."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

_LOOK_SHARE: Final = 0.1
_MIN_SECONDS: Final = 0.05
_MAX_SECONDS: Final = 1.0


class MemoryWatch:
    """Looks at a container now and then: the longer a run takes, the more seldom.

    What a run uses between two looks and gives back is not seen.
    """

    def __init__(self, used_bytes: Callable[[], int | None]) -> None:
        """Prepare; ``used_bytes`` returns what the container uses, or None if that is not known."""
        self._used_bytes = used_bytes
        self._before: int | None = None
        self._started_at = 0.0
        self.peak_bytes: int | None = None
        """The most that the run in progress, or the last one, was seen to use; None if it was not seen."""

    def start(self, now: float) -> None:
        """Record that a run begins, at a moment of the caller's clock."""
        self._started_at, self.peak_bytes = now, None
        used = self._used_bytes()
        if used is not None:  # the least: what the run before used is freed a little later than it ends
            self._before = min(used, self._before if self._before is not None else used)

    def seconds_to_next_look(self, now: float) -> float:
        """Return after how many seconds to look; infinite where nothing is to be seen."""
        if self._before is None:
            return math.inf
        return min(max((now - self._started_at) * _LOOK_SHARE, _MIN_SECONDS), _MAX_SECONDS)

    def look(self) -> None:
        """Look at what the container uses."""
        used = self._used_bytes()
        if used is not None and self._before is not None:
            self.peak_bytes = max(used - self._before, self.peak_bytes or 0, 0)
