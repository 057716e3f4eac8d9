"""Output of commands: tables and lines on stdout, errors and progress on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any, Final, TextIO

from rich.console import Console

from runner.cli.interface.screen_size import requested_size
from runner.sanitize import sanitize_line

JSON_SCHEMA_VERSION: Final = 1
"""Of what ``--json`` prints, where an object has no version of its own; docs/json.md lists the fields."""
PIPE_WIDTH: Final = 140
"""Columns of a table where neither stdout nor stderr is a terminal and COLUMNS is no number of columns."""
_TERMINAL_WIDTH: Final = 80
_TERMINAL_HEIGHT: Final = 25
"""Of a terminal that does not know its size."""
_SENTENCE_CHARACTERS: Final = 20_000


def stdout_console() -> Console:
    """Return the console for results, as wide as COLUMNS or the terminal says.

    Where stdout goes through a pipe, the terminal is that of stderr: ``unlearn list | head`` fits into it.
    """
    return _console(sys.stdout, stderr=False)


class _Quiet:
    """Whether progress and notes are left out, for this process: `set_quiet`."""

    active = False


def set_quiet(active: bool) -> None:
    """Leave out progress and notes from now on, or show them; results and errors are always shown."""
    _Quiet.active = active


def stderr_console() -> Console:
    """Return the console for progress, as wide as COLUMNS or the terminal says; silent if that is set."""
    return _console(sys.stderr, stderr=True, quiet=_Quiet.active)


def _console(stream: TextIO, *, stderr: bool, quiet: bool = False) -> Console:
    """Return a console of a fixed size: rich would read COLUMNS and LINES itself, and trust them.

    Under NO_COLOR it writes no escape codes; rich's own reading of it leaves bold and dim.
    """
    columns, lines = _terminal_size(stream) or _terminal_size(sys.stderr) or (0, 0)
    width = requested_size("COLUMNS") or columns or (_TERMINAL_WIDTH if stream.isatty() else PIPE_WIDTH)
    height = requested_size("LINES") or lines or _TERMINAL_HEIGHT
    return Console(
        stderr=stderr,
        highlight=False,
        width=width,
        height=height,
        quiet=quiet,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
        force_interactive=None if stream.isatty() else False,  # FORCE_COLOR asks for colours, not for bars
    )


def _terminal_size(stream: TextIO) -> tuple[int, int] | None:
    """Return columns and lines of a stream's terminal; None without one, or if it does not know them."""
    try:
        columns, lines = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):  # no terminal, or closed
        return None
    return (columns, lines) if columns > 0 else None


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object on one line, with the version of its fields."""
    sys.stdout.write(json.dumps({"schema_version": JSON_SCHEMA_VERSION, **value}) + "\n")


def print_note(sentence: str) -> None:
    """Print a remark as one sanitized line on stderr, unless notes are left out."""
    stderr_console().print(f"note: {_line(sentence)}", markup=False, soft_wrap=True, style="yellow")


def print_warning(sentence: str) -> None:
    """Print what must not be missed as one sanitized line on stderr."""
    out = _console(sys.stderr, stderr=True)
    out.print(f"warning: {_line(sentence)}", markup=False, soft_wrap=True, style="yellow")


def print_error(sentence: str) -> None:
    """Print an error as one sanitized line on stderr."""
    out = _console(sys.stderr, stderr=True)
    out.print(f"unlearn: {_line(sentence)}", markup=False, soft_wrap=True, style="red")


def _line(sentence: str) -> str:
    """Return a sentence on one line: a name in it may have line ends."""
    return sanitize_line(sentence, _SENTENCE_CHARACTERS)
