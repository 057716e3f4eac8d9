"""TODO runner.units."""

from __future__ import annotations

import math


def duration(seconds: float) -> str:
    """Return a duration as a person says it: seconds, minutes, or hours and minutes."""
    if seconds <= 99:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


MIB = 1 << 20
