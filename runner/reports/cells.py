"""Cells of tables: untrusted text as plain text, figures with fixed digits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.text import Text

from runner.sanitize import sanitize_line

_FACT_CHARACTERS: Final = 5000
NAME_CHARACTERS: Final = 60
"""Of a name in a table or a sentence; a longer one is cut."""


def plain_text(value: object, limit: int = 200) -> Text:
    """Return text in which rich sees no markup and a terminal no escape sequence."""
    return Text(sanitize_line(str(value), limit))


def fact_lines(facts: Mapping[str, object]) -> list[str]:
    """Return a line for each fact, the values below each other; a digest stays whole, whatever the width."""
    longest = max(map(len, facts), default=0)
    return [
        f"{name:<{longest}}   {sanitize_line(str(value), _FACT_CHARACTERS)}" for name, value in facts.items()
    ]


def figure(value: float | None, digits: int) -> str:
    """Return a number with so many decimals, or a dash for none."""
    return "–" if value is None else f"{value:.{digits}f}"  # noqa: RUF001 - a dash, not a minus


def percent(value: float, digits: int = 0) -> str:
    """Return a share as a percentage, in the form that all tables and sentences use."""
    return f"{100 * value:.{digits}f} %"
