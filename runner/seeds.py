"""Which seed is a challenge built from? The one that was typed, the one it was begun with, or a fresh one.

The seed of a private challenge is a secret: it gives splits and references. So where none is typed it
is drawn from more than can be tried, and the folder keeps it for when the command is repeated.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from runner.building import PLAN
from runner.description import DESCRIPTION, parse
from runner.errors import ConfigurationError
from runner.export import GUESSABLE_SEEDS

SEEDS: Final = 1 << 40
"""A seed is below."""


def seed_of(folder: Path, typed: int | None, draw: Callable[[int], int] = secrets.randbelow) -> int:
    """Return the seed for a challenge in a folder; ``draw`` gives a number below its argument.

    Raises:
        ConfigurationError: the typed one is out of range, or the folder holds a damaged challenge.
    """
    if typed is not None:
        if not 0 <= typed < SEEDS:
            raise ConfigurationError("The seed must be below 2^40.")
        return typed
    begun = _begun_with(folder)
    return begun if begun is not None else GUESSABLE_SEEDS + draw(SEEDS - GUESSABLE_SEEDS)


def _begun_with(folder: Path) -> int | None:
    """Return the seed that a folder's challenge has, whole or unfinished; None if there is none."""
    file = folder / DESCRIPTION
    try:
        if file.is_file():
            return parse(file, file.read_bytes()).seed
        kept = json.loads((folder / PLAN).read_bytes())
        return int(kept["seed"]) if isinstance(kept, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
