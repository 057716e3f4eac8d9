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

from runner.builder.build_folder import PLAN_FILE
from runner.challenge.description import parse_description
from runner.challenge.layout import DESCRIPTION_FILE
from runner.challenge.seeds import GUESSABLE_SEEDS
from runner.errors import ConfigurationError

SEEDS: Final = 1 << 40
"""A seed is below."""


def choose_seed(folder: Path, typed: int | None, draw: Callable[[int], int] = secrets.randbelow) -> int:
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
    file = folder / DESCRIPTION_FILE
    try:
        if file.is_file():
            return parse_description(file, file.read_bytes()).seed
        kept = json.loads((folder / PLAN_FILE).read_bytes())
        return int(kept["seed"]) if isinstance(kept, dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
