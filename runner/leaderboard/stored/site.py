"""A folder of pages: written beside the earlier one and exchanged with it, so nobody ever reads half of it.

A folder is replaced only if it is empty or holds nothing but what was written here: `MARKER` lists its files.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import glob
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import UnexpectedFileError, read_stored_file

MARKER: Final = ".unlearn-pages.json"
_MARKER_BYTES: Final = 64 << 20
_SCHEMA_VERSION: Final = 1
_RENAME_EXCHANGE: Final = 2
_AT_FDCWD: Final = -100
_STAGING: Final = ".unlearn-"
_YOUNG_SECONDS: Final = 60.0
_PATH: Final = re.compile(r"([A-Za-z0-9][A-Za-z0-9.-]*/)?[A-Za-z0-9][A-Za-z0-9.-]*")
_UNSUPPORTED: Final = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteFile:
    """A file of the folder."""

    path: str
    """From the folder, with forward slashes; letters, digits, hyphens and dots."""
    key: str
    """Identifies its content: a file of the earlier folder with the same key is taken over."""
    content: Callable[[], bytes]


def check_site_folder(folder: Path) -> None:
    """Check before anything is computed that a folder may be replaced.

    Raises:
        ConfigurationError: it holds something that was not written here, or is no folder.
        HostNotReadyError: it cannot be read.
    """
    _earlier_keys(_target(folder))


def write_site(folder: Path, files: Sequence[SiteFile]) -> int:
    """Write a folder of pages in place of the earlier one, or nothing; return how many files are new.

    Args:
        folder: New, empty, or one that this function wrote.
        files: All that it is to hold.

    Raises:
        ConfigurationError: it holds something that was not written here, or is no folder.
        HostNotReadyError: it cannot be written, or a path is none; the earlier one stays.
    """
    target = _target(folder)
    earlier = _earlier_keys(target)
    staging: Path | None = None
    lock = -1
    written = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(target)
        staging = Path(tempfile.mkdtemp(prefix=f".{target.name}{_STAGING}", dir=target.parent))
        lock = os.open(staging, os.O_RDONLY | os.O_DIRECTORY)
        with contextlib.suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        staging.chmod(0o755)
        for file in files:
            if not _PATH.fullmatch(file.path):
                raise HostNotReadyError(f"{file.path!r} is no name of a page: the store has a damaged row.")
            place = staging / file.path
            place.parent.mkdir(parents=True, exist_ok=True)
            if earlier.get(file.path) != file.key or not _taken_over(target / file.path, place):
                place.write_bytes(file.content())
                written += 1
        marker = {"schema_version": _SCHEMA_VERSION, "files": {file.path: file.key for file in files}}
        (staging / MARKER).write_text(json.dumps(marker))
        _exchange(staging, target)
    except OSError as error:
        raise HostNotReadyError(f"{target} cannot be written: {error.strerror or error}.") from error
    finally:
        if staging is not None:  # now the earlier folder, or what could not be finished
            shutil.rmtree(staging, ignore_errors=True)
        if lock >= 0:
            os.close(lock)
    return written


def _remove_leftovers(target: Path) -> None:
    """Remove the unfinished folders of processes that were killed: those that nobody has locked."""
    for folder in target.parent.glob(f".{glob.escape(target.name)}{_STAGING}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.lstat().st_mtime < _YOUNG_SECONDS:
                continue  # its process may be about to lock it
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(descriptor)


def _target(folder: Path) -> Path:
    """Return the folder itself: of a link, the place that it leads to."""
    return Path(os.path.realpath(folder))


def _earlier_keys(folder: Path) -> dict[str, str]:
    """Return the files of an earlier folder with their keys; none if there is nothing to replace."""
    if not os.path.lexists(folder):
        return {}
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is a file; name a folder.")
    try:
        present = {
            str(path.relative_to(folder).as_posix())
            for path in folder.rglob("*")
            if path.is_symlink() or not path.is_dir()
        }
        if not present:
            return {}
        keys = _keys_in(folder / MARKER)
    except UnexpectedFileError:
        keys = None
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be read: {error.strerror or error}.") from error
    if keys is None:
        raise ConfigurationError(
            f"{folder} is not empty and was not written by unlearn; name an empty or a new folder."
        )
    if strange := sorted(present - keys.keys() - {MARKER}):
        raise ConfigurationError(
            f"{folder} would be replaced, and unlearn did not write {strange[0]!r} in it; "
            "move that elsewhere, or name another folder."
        )
    return keys


def _keys_in(marker: Path) -> dict[str, str] | None:
    """Return the files that a marker lists; None if there is none, or it is none of ours."""
    if not marker.is_file():
        return None
    try:
        value: Any = json.loads(read_stored_file(marker, max_bytes=_MARKER_BYTES))
        files = value["files"]
        if value["schema_version"] != _SCHEMA_VERSION or not isinstance(files, dict):
            return None
        return {str(path): str(key) for path, key in files.items()}
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _taken_over(earlier: Path, place: Path) -> bool:
    """Give a file of the earlier folder a second name in the new one; return False if that is impossible."""
    if earlier.is_symlink() or not earlier.is_file():
        return False
    try:
        os.link(earlier, place, follow_symlinks=False)
    except OSError:
        with contextlib.suppress(OSError):
            shutil.copyfile(earlier, place)
            return True
        return False
    return True


def _exchange(staging: Path, target: Path) -> None:
    """Give the new folder its name; an earlier folder gets that of the new one."""
    if not target.exists():
        staging.rename(target)
        return
    if _exchanged(staging, target):
        return
    aside = staging.with_name(
        f"{staging.name}.old"
    )  # a file system that cannot exchange: not there for a moment
    target.rename(aside)
    try:
        staging.rename(target)
    except OSError:
        aside.rename(target)
        raise
    aside.rename(staging)


def _exchanged(first: Path, second: Path) -> bool:
    """Exchange the names of two folders at once; return False where the system cannot.

    Source:
        renameat2(2), ``RENAME_EXCHANGE``, Linux 3.15.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError):
        return False
    if rename(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNSUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(second))
