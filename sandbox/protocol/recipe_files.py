"""Which of an organizer's files does a recipe read? Told from their names, so that the rest stays at home.

Standard library only: the host asks this before it hashes and sends anything, the recipe when it reads.
"""

from __future__ import annotations

from collections.abc import Iterable

AGES = "Age_Gender.txt"
TABLES = {"retain": "retain.csv", "forget": "forget.csv", "val": "validation.csv", "test": "test.csv"}
"""The recipe ``faces`` reads the former or the latter, wherever they lie."""

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
_BACKGROUND, _CAMERA, _COLOUR = "WBackground", "real.rssdk", "color"
"""Folders of the contest's data: ``WBackground/*/PERSON/real.rssdk/color/*.jpg`` is what it read."""


def select_files(recipe: str, names: Iterable[str]) -> list[str]:
    """Return those files that a recipe reads, in order; names are paths with slashes.

    All of them, but for ``faces``: there the tables, and the pictures.
    """
    there = sorted(names)
    if recipe != "faces":
        return there
    tables = [name for name in there if name.rpartition("/")[2] in (AGES, *TABLES.values())]
    return sorted({*tables, *pictures(there)})


def pictures(names: Iterable[str]) -> list[str]:
    """Return the pictures in order: of the contest's own folders those in colour, else all."""
    found = sorted(name for name in names if name.lower().endswith(_PICTURES))
    colour = [name for name in found if name.split("/")[-3:-1] == [_CAMERA, _COLOUR]]
    whole = [name for name in colour if _BACKGROUND in name.split("/")[:-3]]
    return whole or colour or found
