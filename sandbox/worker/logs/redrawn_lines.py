"""Leaves out of a run's output what a terminal would show for a moment only: earlier states of a line.

Progress bars redraw their line many times a second: after a carriage return, or, below another bar, after
moving the cursor up and down again. Only the last state of such a line is worth its place in the log.
"""

from __future__ import annotations

import re
from typing import Final

_MAX_HELD_BYTES: Final = 4096
"""The unfinished line is held back up to this length, in case that it is redrawn."""
_UP: Final = b"\x1b[A"
_MAX_UPS: Final = 16
_RETURNS: Final = re.compile(rb"(?:\r|(?:\x1b\[A)++\n*+)++")
"""What brings the cursor to a line's beginning, the ways of moving it up and down again included."""
_EARLIER_STATE: Final = re.compile(rb"(?<![^\n\r])[^\n\r]*+\r(?=[^\n\r])")
"""From the beginning of a line, or of its next state, to a carriage return that something follows.

In both expressions no part is tried again at another length or place, so that a flood takes time in
proportion to its length.
"""


class RedrawnLines:
    """Passes on whole lines, each in its last state."""

    def __init__(self) -> None:
        """Start with nothing held back."""
        self._held = b""

    def add(self, data: bytes) -> bytes:
        """Add output and return what of it, and of what was held back, is final."""
        data = self._held + data
        ups = _moves_at_end(data)
        states = _last_states(data[: len(data) - len(ups)])
        end = states.rfind(b"\n") + 1
        if len(states) - end + len(ups) > _MAX_HELD_BYTES:
            end, ups = len(states), b""
        self._held = states[end:] + ups
        return states[:end]

    def finish(self) -> bytes:
        """Return the line that was not finished."""
        held, self._held = self._held, b""
        return _last_states(held)


def _moves_at_end(data: bytes) -> bytes:
    """Return the moves of the cursor with which output ends: what comes next decides what they mean."""
    end = start = len(data.rstrip(b"\n"))
    while end - start < _MAX_UPS * len(_UP) and data.endswith(_UP, 0, start):
        start -= len(_UP)
    return data[start:] if start < end else b""


def _last_states(data: bytes) -> bytes:
    if b"\r" not in data and _UP not in data:
        return data
    return _EARLIER_STATE.sub(b"", _RETURNS.sub(b"\r", data))
