"""Sanitize untrusted text for display: text that a submission printed or raised, or a name that it chose."""

from __future__ import annotations

import builtins
import unicodedata
from typing import Final

_ALLOWED: Final = {"\n", "\t"}
_HARMFUL_CATEGORIES: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control, format (among them the bidirectional overrides), surrogate, private, unassigned,
and the line and paragraph separators."""
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
    """Return text without characters that move a cursor, or reorder or hide other text.

    Every such character becomes U+FFFD, as do invalid bytes; newlines and tabs stay.

    Args:
        text: Untrusted text, or bytes that should be UTF-8.
        limit: Maximum number of characters; a longer text is cut and its end marked.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", errors="replace")
    if limit is not None and len(text) > limit:
        text = text[:limit] + "…"
    text = text.replace("\r\n", "\n")
    return "".join(
        character
        if character in _ALLOWED or unicodedata.category(character) not in _HARMFUL_CATEGORIES
        else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


def sanitize_line(text: str | bytes, limit: int = 300) -> str:
    """Return sanitized text on one line: every run of white space becomes one space."""
    return " ".join(sanitize(text, limit).split())


def exception_name(claimed: str) -> str:
    """Return an exception's name if it is well known, else ``Exception``.

    The submission names its class, so any other name could carry a message. An empty name stays empty:
    the run raised nothing.
    """
    return claimed if claimed in _KNOWN or not claimed else _OTHER_EXCEPTION
