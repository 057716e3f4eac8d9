"""Read ``competition.toml``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from runner.competition.competition import COMPETITION_FILE, Competition
from runner.errors import ConfigurationError
from runner.files import read_regular_file
from runner.parsers.toml import read_toml
from runner.sanitize import sanitize_line
from runner.validation import first_problem

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
    try:
        return Competition.model_validate(read_toml(text))
    except ValidationError as error:
        raise ConfigurationError(f"{file}: {first_problem(error, root='the competition')}.") from error
    except RecursionError as error:
        raise ConfigurationError(f"{file} is not TOML: it is nested too deeply.") from error
    except ValueError as error:  # not TOML, or a number that Python refuses
        raise ConfigurationError(f"{file} is not TOML: {sanitize_line(str(error))}.") from error
