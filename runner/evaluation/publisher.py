"""TODO runner.evaluation.publisher."""

from __future__ import annotations

from typing import Final

from runner.clients.runs import EndedRun
from runner.sanitize import sanitize

_TRACEBACK_CHARACTERS: Final = 16_000


def format_log(ended: EndedRun) -> str:
    """Return what a run printed and raised, fit to be opened in a terminal."""
    parts = [sanitize(ended.log)]
    if ended.log_bytes_dropped:
        parts.append(f"\n[{ended.log_bytes_dropped} bytes between head and tail were dropped]\n")
    if ended.traceback:
        parts.append("\n" + sanitize(ended.traceback, _TRACEBACK_CHARACTERS))
    return "".join(parts)
