"""Read ``competition.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from runner.competition.competition import COMPETITION_FILE, Competition
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.parsers.toml import read_toml
from runner.validation import parse_toml

_MAX_BYTES: Final = 1 << 20


def load_competition(folder: Path) -> Competition:
    """Return the competition in a folder, checked by itself: its challenges are not looked at.

    Raises:
        ConfigurationError: there is none, or its file is not valid.
    """
    file = folder / COMPETITION_FILE
    try:
        text = read_regular_file(file, max_bytes=_MAX_BYTES)
    except FileNotFoundError:
        raise ConfigurationError(
            f"No competition exists at {folder}; write one with: unlearn competition init {folder}"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror or error}.") from error
    return parse_competition(file, text)


def parse_competition(file: Path, text: bytes) -> Competition:
    """Return the competition of a text; ``file`` is its path, for messages.

    Raises:
        ConfigurationError: the text is not TOML, or not a competition.
    """
    return parse_toml(file, text, Competition, read=read_toml, root="the competition")
