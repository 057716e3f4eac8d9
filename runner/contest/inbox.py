"""List the files in the folders of teams, within limits: whoever writes there may write anything."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from runner.errors import ConfigurationError
from runner.submission.limits import MAX_SUBMISSION_BYTES
from runner.submission.pack import display_path
from runner.units import size_text
from sandbox.protocol.clutter import is_clutter

MAX_FILES: Final = 2000
"""Files in a team's folder, taken or not: each is read whenever the folders are."""
MAX_FOLDER_BYTES: Final = 4 << 30
"""Of the files in a team's folder that are small enough to be read, for the same reason."""
_UNFINISHED: Final = (".part", ".tmp", ".filepart", ".crdownload")
"""Endings of files that are still being written."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as it was when its folder was listed."""

    path: Path
    changed_ns: int
    """When it changed last, which nobody can set."""


def listed_files(folder: Path, *, is_of_team: bool = False) -> list[ListedFile]:
    """Return what is in a folder and is to be taken, the oldest first.

    Raises:
        ConfigurationError: it is no folder, cannot be read, or has more than a team may have there.
    """
    items, size = [], 0
    try:
        with os.scandir(folder) as items_there:
            for number, item in enumerate(items_there):
                if is_of_team and number >= MAX_FILES:
                    raise _too_much(f"{MAX_FILES} files")
                name = item.name
                if name.startswith(".") or is_clutter(name) or name.lower().endswith(_UNFINISHED):
                    continue
                with suppress(FileNotFoundError):  # it went meanwhile; the others are there
                    status = item.stat(follow_symlinks=False)
                    items.append((status.st_mtime, name, ListedFile(folder / name, status.st_ctime_ns)))
                    if stat.S_ISREG(status.st_mode) and status.st_size <= MAX_SUBMISSION_BYTES:
                        size += status.st_size
    except FileNotFoundError:
        raise ConfigurationError(f"There is no folder {display_path(folder)}.") from None
    except OSError as error:
        raise ConfigurationError(f"{display_path(folder)} cannot be read: {cause(error)}.") from error
    if is_of_team and size > MAX_FOLDER_BYTES:
        raise _too_much(size_text(MAX_FOLDER_BYTES))
    return [file for _time, _name, file in sorted(items, key=lambda item: item[:2])]


def _too_much(limit: str) -> ConfigurationError:
    return ConfigurationError(f"The folder has more than {limit}; nothing is taken until it has less.")


def cause(error: OSError) -> str:
    """Return why the operating system refused."""
    return error.strerror or type(error).__name__
