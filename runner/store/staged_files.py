"""Files that belong to a row of the store: beside their place before it is written, in it after.

A process that was fenced off has only ever written beside; a process that was killed between
the two steps leaves what the next one puts in its place.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from runner.errors import HostNotReadyError, TakenOverError
from runner.files import write_atomic

_STAGED: Final = re.compile(r"(?P<name>(?P<index>[0-9]+)\.[a-z]+)\.(?P<number>[0-9]+)\.part")


def stage_file(place: Path, number: int, data: bytes) -> None:
    """Write a file beside its place; ``number`` is nobody else's.

    Raises:
        HostNotReadyError: it cannot be written; nothing is left behind.
    """
    write_atomic(_staged(place, number), data)


def commit_file(place: Path, number: int) -> None:
    """Put a staged file in its place.

    Raises:
        TakenOverError: somebody else has done so, or removed it.
        HostNotReadyError: it cannot be done.
    """
    try:
        os.replace(_staged(place, number), place)
    except FileNotFoundError as error:
        raise TakenOverError(f"{place} was put in place by another process; this one stops here.") from error
    except OSError as error:
        raise HostNotReadyError(f"{place} cannot be written: {error.strerror or error}.") from error


def discard_file(place: Path, number: int) -> None:
    """Remove a staged file, if it is there."""
    with contextlib.suppress(OSError):
        _staged(place, number).unlink()


def recover_staged_files(folder: Path, belongs: Callable[[int, int, Path], bool]) -> None:
    """Put in place what ``belongs(index, number, file)``; remove all else that was not finished.

    Raises:
        HostNotReadyError: the folder cannot be written.
    """
    try:
        for file in list(_unfinished(folder)):
            found = _STAGED.fullmatch(file.name)
            if found and belongs(int(found["index"]), int(found["number"]), file):
                os.replace(file, folder / found["name"])
            else:
                file.unlink()
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _unfinished(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (file for file in folder.iterdir() if file.name.startswith(".") or file.suffix == ".part")


def _staged(place: Path, number: int) -> Path:
    return place.with_name(f"{place.name}.{number}.part")
