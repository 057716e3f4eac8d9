"""Which commands docs/competition.md shows for an afternoon, and whether a contest has typed them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from tests.support.paths import ROOT

_PAGE: Final = ROOT / "docs" / "competition.md"
_HEADING: Final = "An afternoon, from data to winners"
_GROUPS: Final = ("competition", "challenge", "store", "team", "rejudge")
_FULL_SIZE: Final = {"--public"}
"""Options that only a contest of the full size needs."""

Form = tuple[tuple[str, ...], frozenset[str]]
"""The words that name a command, and the options that are given."""


def form_of(words: Sequence[str]) -> Form:
    """Return the form of a command: it is the same for other files, teams and numbers."""
    names = [words[0]]
    while names[-1] in _GROUPS:
        names.append(words[len(names)])
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    return tuple(names), frozenset(options - {"--store"})


def shown_commands() -> list[str]:
    """Return the commands of this project that the section shows behind prompts, in order."""
    text = _PAGE.read_text(encoding="utf-8")
    section = re.search(rf"^## {_HEADING}\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"{_PAGE} has no section {_HEADING!r}"
    return re.findall(r"^\$ unlearn (.+)$", section[1], re.MULTILINE)


def not_typed(typed: Sequence[Sequence[str]]) -> list[str]:
    """Return the commands of the section that were not typed, with at least the options that it shows."""
    forms = [form_of(words) for words in typed]

    def was_typed(line: str) -> bool:
        names, options = form_of(shlex.split(line, comments=True))
        return any(names == others and options - _FULL_SIZE <= more for others, more in forms)

    return [line for line in shown_commands() if not was_typed(line)]
