"""Selects by name which of an organizer's files a recipe reads, so that all others stay on the host.

The host calls this before it hashes and sends anything, the recipe when it reads. Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.protocol.clutter import is_clutter
from sandbox.protocol.recipes import RECIPES

AGES = "Age_Gender.txt"
TABLES = {"retain": "retain.csv", "forget": "forget.csv", "val": "validation.csv", "test": "test.csv"}
MUFAC_TABLES = {part: f"custom_{part}_dataset.csv" for part in ("train", "val", "test")}
"""The recipe ``faces`` reads `AGES`, or `TABLES`, or these, in whichever folder, or pictures alone."""

PICTURE_ENDINGS = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".avif", ".gif"),
    *(".tif", ".tiff", ".jp2", ".ppm", ".pgm"),
)
_BACKGROUND, _CAMERA, _COLOUR = "WBackground", "real.rssdk", "color"
"""Folders of the contest's data: the contest read ``WBackground/*/PERSON/real.rssdk/color/*.jpg``."""


def select_files(recipe: str, names: Iterable[str]) -> list[str]:
    """Return the files that a recipe reads, sorted; names are paths with slashes.

    These are all files, except for ``faces``: there they are the tables and the pictures. A recipe
    that is not in the table reads all files. What file managers add is never read.
    """
    files = sorted(name for name in names if not is_clutter(name))
    if recipe not in RECIPES or RECIPES[recipe].reads_every_file:
        return files
    names_of_tables = {AGES, *TABLES.values(), *MUFAC_TABLES.values()}
    tables = [name for name in files if name.rpartition("/")[2] in names_of_tables]
    return sorted({*tables, *pictures(files)})


def pictures(names: Iterable[str]) -> list[str]:
    """Return the pictures, sorted: the colour pictures of the contest's own folders if present, else all."""
    images = sorted(name for name in names if name.lower().endswith(PICTURE_ENDINGS))
    colour = [name for name in images if name.split("/")[-3:-1] == [_CAMERA, _COLOUR]]
    with_background = [name for name in colour if _BACKGROUND in name.split("/")[:-3]]
    return with_background or colour or images
