"""The file of `--out` or `--html`: its suffix names what is written, and it is not overwritten unasked."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from runner.errors import ConfigurationError

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
        ConfigurationError: the suffix promises another format, or the file exists.
    """
    if file.suffix.lower() not in suffixes:
        known = " or ".join(suffix for suffix in suffixes if suffix)
        raise ConfigurationError(
            f"{option} writes {known}, not {file.suffix or 'file without a suffix'}: {file}."
        )
    if not overwrite and os.path.lexists(file):
        raise ConfigurationError(f"{file} exists already; name another file, or add --overwrite.")
