"""Whether a container stood still while a run went on, as this side sees it: it used no processor time.

Under gVisor a container cannot see its own processor time. A run that keeps the cores busy until the janitor
gets no turn for seconds looks from within as if the machine had stood still; from here it does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

_USED_SHARE: Final = 0.005
"""A container that used no more than this share of a core between two looks stood still. One that is paused
uses nothing; one that has work to do gets more, however busy its host is."""
_LOOK_SECONDS: Final = 0.5
_LATE_SECONDS: Final = 2.0
"""Looks that are further apart show that this side stood still too: the whole machine was not executed."""
_SEEN_PART: Final = 0.5
"""Of what the container reports, so much has to be seen: a look falls between beginning and end."""


class StillnessWatch:
    """Looks at a container's processor time now and then while a run goes on."""

    def __init__(self, cpu_seconds: Callable[[], float | None]) -> None:
        """Prepare; ``cpu_seconds`` returns what the container has used, or None if that is not known."""
        self._cpu_seconds = cpu_seconds
        self._last: tuple[float, float] | None = None
        self._still_seconds = 0.0

    def start(self, now: float) -> None:
        """Record that a run begins, at a moment of the caller's clock."""
        used = self._cpu_seconds()
        self._last, self._still_seconds = None if used is None else (now, used), 0.0

    def look(self, now: float) -> float:
        """Look at what the container has used, if that is due; return the seconds to the next look."""
        if self._last is None:
            return math.inf
        then, before = self._last
        gap = now - then
        if gap < _LOOK_SECONDS:
            return _LOOK_SECONDS - gap
        used = self._cpu_seconds()
        if used is not None:
            if gap > _LATE_SECONDS or used - before <= _USED_SHARE * gap:
                self._still_seconds += gap
            self._last = now, used
        return _LOOK_SECONDS

    def confirmed(self, reported_seconds: float) -> float:
        """Return for how long the container stood still, by its own report: 0 if this side saw it go on."""
        if self._last is not None and self._still_seconds < _SEEN_PART * reported_seconds:
            return 0.0
        return reported_seconds
