"""Two-phase file publication: staged next to the target, renamed once the row is committed.

A process whose writes are refused leaves only staged files. If a process is killed between the two steps, the
next process finishes the rename.
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


def stage_file(target: Path, number: int, data: bytes) -> None:
    """Write a file next to its target; no other process stages with the same ``number``.

    Raises:
        HostNotReadyError: it cannot be written; nothing is left behind.
    """
    write_atomic(_staged(target, number), data)


def commit_file(target: Path, number: int) -> None:
    """Rename a staged file to its target.

    Raises:
        TakenOverError: another process has done so, or removed it.
        HostNotReadyError: the file system refuses.
    """
    try:
        os.replace(_staged(target, number), target)
    except FileNotFoundError as error:
        raise TakenOverError(f"{target} was published by another process; this one stops here.") from error
    except OSError as error:
        raise HostNotReadyError(f"{target} cannot be written: {error.strerror or error}.") from error


def discard_file(target: Path, number: int) -> None:
    """Remove a staged file, if it exists."""
    with contextlib.suppress(OSError):
        _staged(target, number).unlink()


def recover_staged_files(folder: Path, belongs: Callable[[int, int, Path], bool]) -> None:
    """Rename staged files to their targets where ``belongs(index, number, file)``; remove all others.

    Raises:
        HostNotReadyError: the folder cannot be written.
    """
    try:
        for file in list(_unfinished(folder)):
            match = _STAGED.fullmatch(file.name)
            if match and belongs(int(match["index"]), int(match["number"]), file):
                os.replace(file, folder / match["name"])
            else:
                file.unlink()
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror or error}.") from error


def _unfinished(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from (file for file in folder.iterdir() if file.name.startswith(".") or file.suffix == ".part")


def _staged(target: Path, number: int) -> Path:
    return target.with_name(f"{target.name}.{number}.part")
