"""Output of commands: tables and lines on stdout, errors and progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console

from runner.sanitize import sanitize

PIPE_WIDTH: Final = 140
"""Columns of a table where neither stdout nor stderr is a terminal and COLUMNS is not set."""


def stdout_console() -> Console:
    """Return the console for results, as wide as COLUMNS or the terminal says.

    Where stdout goes through a pipe, the terminal is that of stderr: ``unlearn list | head`` fits into it.
    """
    if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdigit():
        return Console(highlight=False)
    try:
        width = os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):  # no terminal, or closed
        width = 0
    return Console(highlight=False, width=width or PIPE_WIDTH)


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
