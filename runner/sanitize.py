"""Sanitize untrusted text for display: text that a submission printed or raised, or a name that it chose."""

from __future__ import annotations

import builtins
import unicodedata
from typing import Final

_ALLOWED: Final = {"\n", "\t"}
_HARMFUL_CATEGORIES: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control, format (among them the bidirectional overrides), surrogate, private, unassigned,
and the line and paragraph separators."""
_INVISIBLE: Final = frozenset(
    chr(number)
    for number in (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0xE0100, 0xE01F0))
)
"""Letters and marks that display as nothing; those that choose the form of emoji (U+FE00 to U+FE0F) stay.

Source: "Default_Ignorable_Code_Point" in Unicode 15.0, DerivedCoreProperties.txt.
"""
_STACKED_CATEGORIES: Final = {"Mn", "Me"}
_MOST_MARKS: Final = 8
"""So many marks above and below a character stay; words of Hebrew, Tibetan or Vietnamese need fewer, and
hundreds would cover the lines around it."""
_OTHER_EXCEPTION: Final = "Exception"

_OF_LIBRARIES: Final = frozenset(
    {
        *("OutOfMemoryError", "AcceleratorError", "BackendCompilerFailed", "UnpicklingError"),  # torch
        *("LinAlgError", "AxisError", "DTypePromotionError"),  # numpy, and torch for the first
    }
)
_KNOWN: Final = _OF_LIBRARIES | {
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}


def sanitize(text: str | bytes, limit: int | None = None) -> str:
    """Return text without characters that move a cursor, or reorder, cover or hide other text.

    Every such character becomes U+FFFD, as do invalid bytes and marks beyond `_MOST_MARKS` on one
    character; newlines and tabs stay.

    Args:
        text: Untrusted text, or bytes that should be UTF-8.
        limit: Maximum number of characters; a longer text is cut and its end marked.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    marks, characters = 0, []
    for character in text.replace("\r\n", "\n"):
        category = unicodedata.category(character)
        marks = marks + 1 if category in _STACKED_CATEGORIES else 0
        harmful = category in _HARMFUL_CATEGORIES and character not in _ALLOWED
        replaced = harmful or character in _INVISIBLE or marks > _MOST_MARKS
        characters.append("\N{REPLACEMENT CHARACTER}" if replaced else character)
    return "".join(characters)


def sanitize_line(text: str | bytes, limit: int = 300) -> str:
    """Return sanitized text on one line: every run of white space becomes one space."""
    return " ".join(sanitize(text, limit).split())


def exception_name(claimed: str) -> str:
    """Return an exception's name if it is well known, else ``Exception``.

    The submission names its class, so any other name could carry a message. An empty name stays empty:
    the run raised nothing.
    """
    return claimed if claimed in _KNOWN or not claimed else _OTHER_EXCEPTION
