"""Locks of this host, for all of its users: files that the kernel unlocks when their process dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from pathlib import Path
from typing import Final

import platformdirs

from runner.errors import HostNotReadyError

_SHARED_FOLDER: Final = Path("/run/lock/unlearn-devices")
"""For all users of the host, whatever their home is."""


def host_locks_folder() -> Path:
    """Return the host's folder of locks, or this user's own where the host has none for everybody."""
    with contextlib.suppress(OSError):
        _SHARED_FOLDER.mkdir(exist_ok=True)
        with contextlib.suppress(PermissionError):  # another user created it
            _SHARED_FOLDER.chmod(0o1777)
        if os.access(_SHARED_FOLDER, os.W_OK | os.X_OK):
            return _SHARED_FOLDER
    return Path(platformdirs.user_state_dir("unlearn")) / "devices"


def lock_file(file: Path, *, shared: bool = False) -> int:
    """Lock a file, which another user may have created, without waiting; nothing is ever written to it.

    Returns:
        A descriptor; the file is locked until it is closed.

    Raises:
        BlockingIOError: another process holds the lock.
        HostNotReadyError: it is no regular file.
        OSError: it cannot be opened.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        fd = os.open(file, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:  # without O_CREAT: sticky folders refuse it for another user's file
        fd = os.open(file, flags)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise HostNotReadyError(f"{file} is not a regular file; remove it.")
        fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BaseException:
        os.close(fd)
        raise
    return fd
