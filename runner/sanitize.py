"""Strangers' text made harmless: what a submission printed or raised, fit to be shown."""

from __future__ import annotations

import unicodedata
from typing import Final

_KEPT: Final = {"\n", "\t"}
_HARMFUL_CATEGORIES: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control, format (among them the bidirectional overrides), surrogate, private, unassigned,
and the line and paragraph separators."""


def sanitize(text: str | bytes, limit: int | None = None) -> str:
    """Return text without anything that moves a cursor, reorders or hides other text.

    Every such character becomes U+FFFD, as do invalid bytes; new lines and tabs stay.

    Args:
        text: What a submission wrote.
        limit: Characters to keep; the end is cut off and marked.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    text = text.replace("\r\n", "\n")
    return "".join(
        character
        if character in _KEPT or unicodedata.category(character) not in _HARMFUL_CATEGORIES
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def sanitize_line(text: str | bytes, limit: int = 300) -> str:
    """Return the same as `sanitize`, on one line."""
    return " ".join(sanitize(text, limit).split())
