"""Folders in which devices keep checkpoints until they are evaluated; those of dead processes go."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

import psutil

_NAME: Final = re.compile(r"unlearn-share-([0-9]+)-.*")


def share_prefix(process: int) -> str:
    """Return the beginning of the names of a process's folders."""
    return f"unlearn-share-{process}-"


def remove_left_shares(folder: Path | None = None) -> int:
    """Remove the folders of processes that are dead; return how many there were.

    Args:
        folder: In which they are; None for this user's folder of temporary files.
    """
    removed = 0
    for each in (folder or Path(tempfile.gettempdir())).glob("unlearn-share-*"):
        match = _NAME.fullmatch(each.name)
        if match is not None and not psutil.pid_exists(int(match[1])):
            shutil.rmtree(each, ignore_errors=True)
            removed += 1
    return removed
