"""Selects by name which of an organizer's files a recipe reads, so that all others stay on the host.

The host calls this before it hashes and sends anything, the recipe when it reads. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.protocol.recipes import RECIPES

AGES = "Age_Gender.txt"
TABLES = {"retain": "retain.csv", "forget": "forget.csv", "val": "validation.csv", "test": "test.csv"}
"""The recipe ``faces`` reads either `AGES` or these tables, in whichever folder they are."""

_PICTURES = (".png", ".jpg", ".jpeg", ".bmp")
_BACKGROUND, _CAMERA, _COLOUR = "WBackground", "real.rssdk", "color"
"""Folders of the contest's data: the contest read ``WBackground/*/PERSON/real.rssdk/color/*.jpg``."""


def select_files(recipe: str, names: Iterable[str]) -> list[str]:
    """Return the files that a recipe reads, sorted; names are paths with slashes.

    These are all files, except for ``faces``: there they are the tables and the pictures. A recipe
    that is not in the table reads all files.
    """
    files = sorted(names)
    if recipe not in RECIPES or RECIPES[recipe].reads_every_file:
        return files
    tables = [name for name in files if name.rpartition("/")[2] in (AGES, *TABLES.values())]
    return sorted({*tables, *pictures(files)})


def pictures(names: Iterable[str]) -> list[str]:
    """Return the pictures, sorted: the colour pictures of the contest's own folders if present, else all."""
    images = sorted(name for name in names if name.lower().endswith(_PICTURES))
    colour = [name for name in images if name.split("/")[-3:-1] == [_CAMERA, _COLOUR]]
    with_background = [name for name in colour if _BACKGROUND in name.split("/")[:-3]]
    return with_background or colour or images
