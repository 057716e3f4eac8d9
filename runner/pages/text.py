"""Untrusted text for pages: cut, with invisible characters shown as escapes, escaped, isolated in direction.

`plain_name` and `plain_line` return text, for a ``<title>`` or another format; `name`, `line` and `block`
return markup. Text is cut before anything else is done with it, so ten megabytes cost no more than a page.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final

from markupsafe import Markup, escape

NAME_GRAPHEMES: Final = 64
"""Of a name that are shown."""
_MARKS: Final = 4
"""On one character; more, which would cover the lines around it, are left out."""
_LONGEST_GRAPHEME: Final = 16
"""Characters; no name is looked at beyond this many for each grapheme that is shown."""
_INVISIBLE: Final = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Control, format (bidirectional overrides too), surrogate, private, unassigned, and the line and paragraph
separators."""
_EMPTY: Final = "(no name)"
_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and symbols that look like nothing: fillers of Hangul, the empty pattern of Braille."""


def visible(text: str, *, lines: bool = False) -> str:
    """Return text in which every invisible character is an escape: a backslash and its code.

    Args:
        text: Any text.
        lines: Keep newlines and tabs.
    """
    return "".join(
        character
        if (lines and character in "\n\t") or not _is_invisible(character)
        else _escape_of(character)
        for character in text
    )


def plain_name(text: str) -> str:
    """Return a name for display, as text: NFKC, on one line, invisible characters as escapes, cut.

    Names that NFKC makes equal look alike, so they are shown alike.
    """
    beginning = text[: NAME_GRAPHEMES * _LONGEST_GRAPHEME]
    normal = " ".join(unicodedata.normalize("NFKC", _one_line(beginning)).split())
    clusters = list(islice(_graphemes(normal), NAME_GRAPHEMES + 1))
    shown = "".join(map(visible, clusters[:NAME_GRAPHEMES]))
    cut = len(clusters) > NAME_GRAPHEMES or len(text) > len(beginning)
    return (shown + "…" if cut else shown) or _EMPTY


def plain_line(text: str, limit: int = 300) -> str:
    """Return text on one line, invisible characters as escapes, cut after so many characters."""
    beginning = " ".join(_one_line(text[: limit + 1]).split())
    shown = "".join(map(visible, _graphemes(beginning[:limit])))
    return shown + "…" if len(text) > limit else shown


def name(text: str) -> Markup:
    """Return a name as markup; its direction does not reach the text around it."""
    return Markup('<bdi dir="auto">{}</bdi>').format(plain_name(text))


def line(text: str, limit: int = 300) -> Markup:
    """Return a line of text as markup; its direction does not reach the text around it."""
    return Markup('<bdi dir="auto">{}</bdi>').format(plain_line(text, limit))


def block(text: str, lines: int = 60, characters: int = 8000) -> Markup:
    """Return the end of a text of several lines as escaped text for a ``<pre>``.

    Args:
        text: What a program printed.
        lines: How many are shown, at most.
        characters: How many are shown, at most.
    """
    end = text[-characters:].replace("\r\n", "\n").strip("\n")
    shown = end.split("\n")[-lines:]
    first = "…\n" if len(text) > characters or end.count("\n") >= lines else ""
    joined = "\n".join("".join(visible(part, lines=True) for part in _graphemes(each)) for each in shown)
    return escape(first + joined)


def _one_line(text: str) -> str:
    return "".join(" " if character in "\t\n\r\v\f\x85\u2028\u2029" else character for character in text)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE or character in _BLANK


def _escape_of(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _graphemes(text: str) -> Iterator[str]:
    """Yield what a reader takes for one character: a character with the marks on it, a flag of two letters.

    It follows Unicode's Standard Annex 29 as far as names need it; a joined emoji counts for its parts, since
    the joiner between them is shown as an escape.
    """
    cluster, marks = "", 0
    for character in text:
        if cluster and _extends(character):
            marks += 1
            if marks <= _MARKS:
                cluster += character
        elif len(cluster) == 1 and _is_flag_letter(cluster) and _is_flag_letter(character):
            cluster += character
        else:
            if cluster:
                yield cluster
            cluster, marks = character, 0
    if cluster:
        yield cluster


def _extends(character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
