"""How much memory a run uses at most: what its container uses while it goes on, less what it used before.

And how often the engine is told meanwhile that the container has no memory left: see `MAX_REPORTS`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

_LOOK_SHARE: Final = 0.1
_MIN_SECONDS: Final = 0.05
_MAX_SECONDS: Final = 0.25
MAX_REPORTS: Final = 16
"""A run during which the engine is told so often that the container has no memory left is ended with it. For
each time Docker writes the container's state to the host's disk and waits until it is there. Under control
groups 1 the kernel tells it also of processes that end by themselves and need a page for that, so the
supervisor, which counts kills (`sandbox.worker.memory_events`), does not see them."""


class MemoryWatch:
    """Looks at a container now and then: the longer a run takes, the more seldom.

    What a run uses between two looks and gives back is not seen.
    """

    def __init__(
        self,
        used_bytes: Callable[[], int | None],
        reports: Callable[[], int] = lambda: 0,
        end: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare.

        Args:
            used_bytes: Returns what the container uses, or None if that is not known.
            reports: Returns how often the engine was told that it had no memory left.
            end: Ends the container.
        """
        self._used_bytes, self._reports, self._end = used_bytes, reports, end
        self._before: int | None = None
        self._reports_before = 0
        self._started_at = 0.0
        self.peak_bytes: int | None = None
        """The most that the run in progress, or the last one, was seen to use; None if it was not seen."""

    def start(self, now: float) -> None:
        """Record that a run begins, at a moment of the caller's clock."""
        self._started_at, self.peak_bytes = now, None
        used = self._used_bytes()
        self._reports_before = self._reports()
        if used is not None:  # the least: what the run before used is freed a little later than it ends
            self._before = min(used, self._before if self._before is not None else used)

    def seconds_to_next_look(self, now: float) -> float:
        """Return after how many seconds to look; infinite where nothing is to be seen."""
        if self._before is None:
            return math.inf
        return min(max((now - self._started_at) * _LOOK_SHARE, _MIN_SECONDS), _MAX_SECONDS)

    def look(self) -> None:
        """Look at what the container uses, and end it if the engine was told too often of its memory."""
        used = self._used_bytes()
        if used is not None and self._before is not None:
            self.peak_bytes = max(used - self._before, self.peak_bytes or 0, 0)
        if self._reports() - self._reports_before >= MAX_REPORTS:
            self._end()
