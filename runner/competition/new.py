"""Write the file of a new competition, with dates that lie ahead."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from string import Template
from typing import Final

from runner.competition.competition import COMPETITION_FILE
from runner.competition.load import parse_competition
from runner.competition.phase import printable
from runner.competition.times import time_zone
from runner.errors import ConfigurationError, HostNotReadyError

_TEMPLATE: Final = "competition.toml.txt"
_NOON: Final = 12
_DAYS: Final = {
    "practice_opens": 7,
    "feedback_opens": 21,
    "freezes": 49,
    "feedback_closes": 56,
    "choose_by": 63,
    "final_closes": 77,
}
"""Days from today to each date of the template, at noon: no clock skips noon at the change of summer time."""


def competition_text(*, name: str, zone: str, now: datetime) -> str:
    """Return the text of a new ``competition.toml``.

    Args:
        name: Of the competition.
        zone: Name of its time zone.
        now: The present moment; the dates of the phases are counted from it.

    Raises:
        ConfigurationError: there is no such time zone, or the name cannot be used.
    """
    try:
        today = now.astimezone(time_zone(zone)).date()
    except ValueError as error:
        raise ConfigurationError(f"--time-zone: {error}.") from error
    try:
        printable(name)
    except ValueError as error:
        raise ConfigurationError(f"The name {name!r} {error}; give another with --name.") from error
    dates = {field: f"{today + timedelta(days=days)}T{_NOON}:00:00" for field, days in _DAYS.items()}
    template = resources.files("runner.competition.template").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    text = Template(template).substitute(
        name=json.dumps(name, ensure_ascii=False), zone=json.dumps(zone), **dates
    )
    parse_competition(Path(COMPETITION_FILE), text.encode())
    return text


def write_competition(folder: Path, text: str) -> Path:
    """Write ``competition.toml`` into a folder, which is created if it does not exist; return its path.

    Raises:
        ConfigurationError: the folder has one already, or is none.
        HostNotReadyError: it cannot be written.
    """
    if os.path.lexists(folder) and not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; choose another name.")
    file = folder / COMPETITION_FILE
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as error:
        raise ConfigurationError(f"{file} exists already; remove it, or name another folder.") from error
    except NotADirectoryError as error:
        raise ConfigurationError(f"{folder} lies in a file; choose another name.") from error
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be written: {error.strerror or error}.") from error
    return file
