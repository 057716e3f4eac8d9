"""How much memory a piece of work takes in this process, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")
_RESET_PEAK: Final = "5"


class Footprint:
    """The growth of this process's memory since the value was made, at its peak."""

    def __init__(self) -> None:
        """Reset the kernel's peak, where it lets us."""
        self._before: int | None = None
        try:
            _CLEAR.write_text(_RESET_PEAK)
            self._before = _read("VmRSS")
        except (OSError, ValueError):
            return

    def peak_bytes(self) -> int | None:
        """Return the peak less what was in use before; None where the kernel does not tell (gVisor)."""
        try:
            return None if self._before is None else max(0, _read("VmHWM") - self._before)
        except (OSError, ValueError):
            return None


def _read(name: str) -> int:
    """Return a size from the status of this process, in bytes."""
    for line in _STATUS.read_text().splitlines():
        key, _colon, value = line.partition(":")
        if key == name:
            return int(value.split()[0]) << 10
    raise ValueError(f"no {name}")
