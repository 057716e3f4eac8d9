"""Choose the seed of a challenge: the typed one, the one of an existing build, or a random one.

The seed of a private challenge is a secret: it determines splits and references. So where none is
typed it is drawn from more values than anybody can try, and the folder stores it for when the
command is repeated.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runner.challenge.description import parse_description
from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.challenge.seeds import GUESSABLE_SEEDS
from runner.challenge.unfinished import find_unfinished
from runner.errors import ConfigurationError
from runner.files import read_stored_file

SEEDS: Final = 1 << 40
"""Seeds are below this number."""


def choose_seed(folder: Path, typed: int | None, draw: Callable[[int], int] = secrets.randbelow) -> int:
    """Return the seed for a challenge in ``folder``.

    Args:
        folder: Folder of the challenge, which may exist already.
        typed: The seed that the user typed, if any.
        draw: Returns a random number below its argument.

    Raises:
        ConfigurationError: the typed seed is out of range, or the folder holds a damaged challenge.
    """
    if typed is not None:
        if not 0 <= typed < SEEDS:
            raise ConfigurationError("The seed must be below 2^40.")
        return typed
    stored = _stored_seed(folder)
    return stored if stored is not None else draw_seed(draw)


def draw_seed(draw: Callable[[int], int] = secrets.randbelow) -> int:
    """Return a random seed that nobody can guess."""
    return GUESSABLE_SEEDS + draw(SEEDS - GUESSABLE_SEEDS)


def _stored_seed(folder: Path) -> int | None:
    """Return the seed of a folder's challenge, complete or unfinished; None if there is none."""
    file = folder / DESCRIPTION_FILE
    try:
        if file.is_file():
            return parse_description(file, read_stored_file(file, max_bytes=DESCRIPTION_BYTES)).seed
        build = find_unfinished(folder)
        return int(build.plan["seed"]) if build is not None else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
