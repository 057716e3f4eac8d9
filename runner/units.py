"""Units of size and time, and the text that shows them to people."""

from __future__ import annotations

import math
from typing import Final

KIB: Final = 1 << 10
MIB: Final = 1 << 20
GIB: Final = 1 << 30


def duration(seconds: float) -> str:
    """Return a duration for people: seconds, minutes, or hours and minutes, rounded up."""
    if seconds <= 99:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def size_text(size_bytes: int) -> str:
    """Return a size for people: in the largest unit up to GiB that it fills, with at most one decimal."""
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size_bytes >= unit:
            return f"{size_bytes / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{size_bytes} bytes"
