"""One build at a time in a folder: a lock on the folder, which the kernel releases when a process dies."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runner.errors import ConfigurationError, HostNotReadyError


@contextmanager
def build_lock(folder: Path) -> Iterator[None]:
    """Exclude other builds from a folder; it is created if it does not exist, and removed if it stays empty.

    Raises:
        ConfigurationError: the path, or one above it, is a file or something else that is no folder.
        HostNotReadyError: another process builds there, or the folder cannot be used.
    """
    try:
        is_new = not folder.exists()
        folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (FileExistsError, NotADirectoryError) as error:
        raise ConfigurationError(_no_folder(folder)) from error
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be used: {error.strerror or error}.") from error
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise HostNotReadyError(
                f"Another command is building in {folder}; wait until it ends, or choose another folder."
            ) from None
        except OSError as error:  # a file system without locks
            raise HostNotReadyError(f"{folder} cannot be locked: {error.strerror or error}.") from error
        yield
    finally:
        if is_new:
            with contextlib.suppress(OSError):  # not empty: something was built
                folder.rmdir()
        os.close(fd)


def _no_folder(path: Path) -> str:
    """Return what stands where a folder should, at the path or above it, and what to do."""
    obstacle = next(
        (part for part in reversed([path, *path.parents]) if os.path.lexists(part) and not part.is_dir()),
        path,
    )
    kind = "a file" if obstacle.is_file() else "a link to nothing" if obstacle.is_symlink() else "no folder"
    return f"{obstacle} is {kind}; name a folder."
