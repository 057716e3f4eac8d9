"""The file of `--out` or `--html`: its suffix names what is written, and it is not overwritten unasked."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import is_special

OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace the file of --out or --html if it exists already.")
]


def check_output_file(
    file: Path, *, suffixes: Collection[str], overwrite: bool, option: str = "--out"
) -> None:
    """Check the file of an option before anything is computed.

    Args:
        file: As typed.
        suffixes: What its name may end with, in lower case; an empty one for a name without a suffix.
        overwrite: Accept a file that exists.
        option: As it was typed.

    Raises:
        ConfigurationError: the suffix promises another format, the file exists, or it is no plain file.
        HostNotReadyError: none can be written there.
    """
    if file.suffix.lower() not in suffixes:
        known = " or ".join(suffix for suffix in suffixes if suffix)
        raise ConfigurationError(
            f"{option} writes {known}, not {file.suffix or 'file without a suffix'}: {file}."
        )
    if not overwrite and os.path.lexists(file):
        raise ConfigurationError(f"{file} exists already; name another file, or add --overwrite.")
    check_place(file, option=option)


def check_place(file: Path, *, option: str) -> None:
    """Check before anything is computed that a file can be written, and what it would replace.

    Raises:
        ConfigurationError: a folder, a link, a device or a pipe is there.
        HostNotReadyError: a file is above it, or this user may not write into its folder.
    """
    if file.is_symlink():  # the rename would replace /dev/stdout, too
        raise ConfigurationError(f"{option} writes a plain file; {file} is a link. Name the file itself.")
    if file.is_dir():
        raise ConfigurationError(f"{option} writes a file; {file} is a folder. Name a file in it.")
    if is_special(file):
        raise ConfigurationError(
            f"{option} writes a plain file; {file} is a device, a pipe or a socket. Name another file."
        )
    check_folder_for_files(file.parent, option=option)


def check_folder_for_files(folder: Path, *, option: str) -> None:
    """Check before anything is computed that files can be written into a folder, which may be missing.

    Raises:
        HostNotReadyError: a file is at its path or above, or this user may not write there.
    """
    for place in (folder, *folder.parents):
        if not os.path.lexists(place):
            continue
        if not place.is_dir():
            raise HostNotReadyError(f"{option} needs a folder at {place}, which is none. Name another.")
        if not os.access(place, os.W_OK | os.X_OK):
            raise HostNotReadyError(f"{option} cannot write into {place}: this user has no right to.")
        return
