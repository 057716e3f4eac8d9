"""Output of commands: tables and lines on stdout, errors and progress on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from runner.sanitize import sanitize

PIPE_WIDTH: Final = 160
"""Columns of a table where stdout is no terminal: wide enough that no cell is cut."""


def stdout_console(width: int = PIPE_WIDTH) -> Console:
    """Return the console for results; ``width`` is in columns and used where stdout is no terminal."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else width)


def stderr_console() -> Console:
    """Return the console for progress and errors."""
    return Console(stderr=True, highlight=False)


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line."""
    sys.stdout.write(json.dumps(value) + "\n")


def print_note(sentence: str) -> None:
    """Print a remark as one sanitized line on stderr."""
    stderr_console().print(f"note: {sanitize(sentence)}", markup=False, soft_wrap=True, style="yellow")


def print_error(sentence: str) -> None:
    """Print an error as one sanitized line on stderr."""
    stderr_console().print(f"unlearn: {sanitize(sentence)}", markup=False, soft_wrap=True, style="red")
