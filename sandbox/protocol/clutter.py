"""Recognizes what file managers add to folders, which is part of no submission and of no data."""

from __future__ import annotations

from typing import Final

_CLUTTER: Final = frozenset(
    {
        *(".ds_store", "__macosx", "icon\r", ".spotlight-v100", ".trashes", ".fseventsd"),
        *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "system volume information"),
        "@eadir",
    }
)
"""Files and folders that file managers of Mac, Windows and network disks add, in lower case."""


def is_clutter(name: str) -> bool:
    """Return whether a file, or a folder that it is in, was added by a file manager; ``name`` has slashes."""
    return any(part.startswith("._") or part.lower() in _CLUTTER for part in name.split("/"))
