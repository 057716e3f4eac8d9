"""Names that look alike: the same to a reader, but not the same text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_IGNORED: Final = ("Cc", "Cf", "Zs", "Zl", "Zp")
"""Categories of what a reader hardly sees: control and format characters, spaces."""
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
"""Characters of other categories that show nothing: joiners, fillers, variation selectors."""
_CHARACTERS: Final = 1000
"""Of a name that are looked at."""


def look_alikes(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the other names that each name looks like; names that look like no other are left out.

    Two names look alike if the prototypes of their characters are the same, as they stand or in lower case,
    without spaces and what is invisible.

    Args:
        names: Any text; a name that occurs twice counts once.

    Source:
        Unicode Technical Standard 39, section 4 (confusable detection); the data are those of
        confusable-homoglyphs.
    """
    distinct = list(dict.fromkeys(names))
    groups: dict[str, list[str]] = {}
    for name in distinct:
        for skeleton in _skeletons(name):
            groups.setdefault(skeleton, []).append(name)
    alike: dict[str, set[str]] = {}
    for group in groups.values():
        for name in group if len(group) > 1 else ():
            alike.setdefault(name, set()).update(other for other in group if other != name)
    return {name: sorted(alike[name]) for name in distinct if name in alike}


def _skeletons(name: str) -> set[str]:
    """Return what a name looks like, as it stands and in lower case; nothing of an empty one."""
    normal = unicodedata.normalize("NFKC", name[:_CHARACTERS])
    texts = {normal, normal.casefold()}
    return {skeleton for text in texts if (skeleton := _skeleton(text))}


def _skeleton(text: str) -> str:
    mapped = "".join(map(_prototype, unicodedata.normalize("NFKD", text)))
    return "".join(
        character
        for character in unicodedata.normalize("NFKD", mapped)
        if unicodedata.category(character) not in _IGNORED and character not in _INVISIBLE
    )


@lru_cache(maxsize=10_000)
def _prototype(character: str) -> str:
    """Return the text that stands for all characters that look like this one.

    The data have each character with its prototype, and each prototype with all of its characters.
    """
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415 - reads a megabyte

    alike = [item["c"] for item in confusables_data.get(character, ())]
    if len(alike) != 1:
        return character
    other: str = alike[0]
    is_prototype = len(confusables_data.get(other, ())) > 1
    return other if is_prototype else min(character, other)
