"""The size that COLUMNS and LINES ask for, where they are numbers that a screen can have."""

from __future__ import annotations

import os
import re
from typing import Final, Literal

_SIZE: Final = re.compile(r"0{0,9}[1-9][0-9]{0,5}")
"""ASCII digits alone: rich also takes other digits, on which it fails, and 0, where it prints nothing."""

SizeName = Literal["COLUMNS", "LINES"]
_NAMES: Final[tuple[SizeName, ...]] = ("COLUMNS", "LINES")


def requested_size(name: SizeName) -> int | None:
    """Return the size that a variable of the environment asks for, None if it is unset or no size."""
    value = os.environ.get(name, "")
    return int(value) if _SIZE.fullmatch(value) else None


def unset_impossible_sizes() -> None:
    """Remove variables that are no size from the environment, for libraries that read them themselves."""
    for name in _NAMES:
        if requested_size(name) is None:
            os.environ.pop(name, None)
