"""Where in a participant's own files a run failed: the file by the path that was typed, the line, its source.

A verdict's sentence ends with the place, as ``(submission.py, line 3)``; the source is in the traceback that
the run logged. Both are untrusted: they may name any file, and are only shown. No file is opened.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from runner.parsers.entry_file import ENTRY_FILE
from runner.parsers.run_error import source_lines
from runner.sanitize import sanitize_line

_PLACE: Final = re.compile(r"\(([^()\n]{1,200}), line (\d{1,7})\)(?:: (?P<source>.*))?$", re.DOTALL)
_SOURCE_CHARACTERS: Final = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of a participant's own files."""

    file: str
    """By the path that was typed, or by its name in the archive."""
    line: int
    source: str
    """Empty if it is unknown."""


def place_of(detail: str, log: str, typed: str | None) -> Place | None:
    """Return where a run failed; None if its verdict's sentence names no place.

    Args:
        detail: The verdict's sentence.
        log: What the run printed and raised.
        typed: The path of the submission as it was typed; None if it is unknown.
    """
    match = _PLACE.search(detail)
    if match is None:
        return None
    name, line = match[1], int(match[2])
    source = match["source"] or source_lines(log).get((name, line), "")
    return Place(
        file=sanitize_line(file_as_typed(name, typed), 300),
        line=line,
        source=sanitize_line(source, _SOURCE_CHARACTERS),
    )


def without_place(detail: str) -> str:
    """Return a verdict's sentence without the place at its end, and without the source behind that."""
    match = _PLACE.search(detail)
    return detail if match is None else detail[: match.start()].rstrip()


def file_as_typed(name: str, typed: str | None) -> str:
    """Return a file of a submission by the path that was typed.

    ``mine`` has ``mine/helper.py``; ``mine.py`` is its own ``submission.py``; a file of ``mine.zip`` has no
    path of its own: ``mine.zip: helper.py``.
    """
    if typed is None:
        return name
    lower = typed.lower()
    if lower.endswith(".zip"):
        return f"{typed}: {name}"
    if lower.endswith(".py"):
        return typed if name == ENTRY_FILE else name
    return f"{typed.rstrip('/')}/{name}" if typed.rstrip("/") else f"/{name}"
