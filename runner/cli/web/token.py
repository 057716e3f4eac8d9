"""Read a team's token from a file or the environment; others could list the command line."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from runner.errors import ConfigurationError
from runner.submission.pack import display_path

TOKEN_VARIABLE: Final = "UNLEARN_TOKEN"  # noqa: S105 - a name
_MAX_BYTES: Final = 1000
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{20,200}")


def read_token(file: Path | None, environment: Mapping[str, str]) -> str:
    """Return the token.

    Args:
        file: Which has it; None for the environment.
        environment: Variables by name.

    Raises:
        ConfigurationError: there is none, it looks like none, or others can read the file.
    """
    if file is None:
        text, where = environment.get(TOKEN_VARIABLE, ""), TOKEN_VARIABLE
        if not text.strip():
            raise ConfigurationError(
                f"No token is given; name a file with --token-file, or set {TOKEN_VARIABLE}."
            )
    else:
        text, where = _content(file), display_path(file)
    token = text.strip()
    if _TOKEN.fullmatch(token) is None:
        raise ConfigurationError(
            f"{where} has no token; a token is one word, as the organizers gave it to you."
        )
    return token


def _content(file: Path) -> str:
    shown = display_path(file)
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigurationError(f"{shown} cannot be read: {error.strerror}.") from error
    with open(fd, "rb") as opened:  # noqa: PTH123 - by its descriptor: what is checked is what is read
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(f"{shown} is not a regular file.")
        if status.st_mode & 0o077:
            raise ConfigurationError(f"Others can read {shown}; allow only yourself: chmod 600 {shown}")
        return opened.read(_MAX_BYTES).decode("ascii", errors="replace")
