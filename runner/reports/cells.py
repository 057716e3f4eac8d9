"""Cells of tables: untrusted text as plain text, figures with fixed digits."""

from __future__ import annotations

from rich.text import Text

from runner.sanitize import sanitize_line


def plain_text(value: object) -> Text:
    """Return text in which rich sees no markup and a terminal no escape sequence."""
    return Text(sanitize_line(str(value), 200))


def figure(value: float | None, digits: int) -> str:
    """Return a number with so many decimals, or a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"  # noqa: RUF001 - a dash, not a minus


def percent(value: float, digits: int = 0) -> str:
    """Return a share as a percentage, in the form that all tables and sentences use."""
    return f"{100 * value:.{digits}f} %"
