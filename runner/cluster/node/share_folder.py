"""A folder for what a share has not delivered yet, which does not outlast a killed device for long."""

from __future__ import annotations

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_PREFIX: Final = "unlearn-share-"


@contextmanager
def share_folder(place: Path | None = None) -> Iterator[Path]:
    """Yield an empty folder, which is locked as long as this process lives.

    Args:
        place: Where it is made; None for the system's folder of temporary files.

    Raises:
        OSError: no folder can be made there.
    """
    parent = place or Path(tempfile.gettempdir())
    folder, lock = _new_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_left_shares(place: Path | None = None) -> int:
    """Remove the folders that killed devices of this user have left: nobody locks them.

    Args:
        place: In which they are; None for the system's folder of temporary files.

    Returns:
        How many there were.
    """
    removed = 0
    for folder in (place or Path(tempfile.gettempdir())).glob(f"{_PREFIX}*"):
        lock = _lock(folder)
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)
            removed += 1
    return removed


def _new_folder(parent: Path) -> tuple[Path, int]:
    """Return a folder and the descriptor that locks it; another process may remove one just before that."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        lock = _lock(folder)
        if lock is not None:
            if folder.exists():
                return folder, lock
            os.close(lock)


def _lock(folder: Path) -> int | None:
    """Return a descriptor that locks a folder of this user; None if it is locked, or none of ours."""
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        if os.fstat(lock).st_uid == os.geteuid() and stat.S_IMODE(os.fstat(lock).st_mode) == stat.S_IRWXU:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
    except OSError:
        pass
    os.close(lock)
    return None
