"""Arguments and options that the commands of a competition share."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path
from typing import Annotated, Final

import typer

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line
from runner.store.competition.entries import MAX_NUMBER

_REASON_CHARACTERS: Final = 1000
_TEAM: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def _reason(text: str) -> str:
    """Return a reason on one line.

    Raises:
        ConfigurationError: it is empty, too long, or has characters that are not shown as they are.
    """
    line = sanitize_line(text.encode(errors="surrogateescape"), _REASON_CHARACTERS)
    if not line:
        raise ConfigurationError("--reason is empty; the audit keeps it.")
    if len(line) > _REASON_CHARACTERS or line.split() != text.split():
        raise ConfigurationError(f"--reason must be plain text of {_REASON_CHARACTERS} characters at most.")
    return line


def reason_text(text: str | None) -> str | None:
    """Return a reason that may be missing, on one line.

    Raises:
        ConfigurationError: as for one that is required.
    """
    return None if text is None else _reason(text)


def team_name(text: str) -> str:
    """Return the name of a team.

    Raises:
        ConfigurationError: no team can have it.
    """
    if not _TEAM.fullmatch(text):
        raise ConfigurationError(
            f"{text!r} is no name of a team: lower case letters, digits and hyphens, 40 at most."
        )
    return text


def stored_number(number: int) -> int:
    """Return the number of an entry or a rejudging.

    Raises:
        ConfigurationError: no store can have it.
    """
    if number > MAX_NUMBER:
        raise ConfigurationError(f"There is no number {number}; see: unlearn competition status")
    return number


CompetitionArgument = Annotated[
    Path, typer.Argument(metavar="DIR", readable=False, help="Folder of the competition.")
]
EntryArgument = Annotated[
    int,
    typer.Argument(metavar="ENTRY", help="Its number, as status shows it.", min=1, callback=stored_number),
]
ReasonOption = Annotated[
    str, typer.Option(help="Why; stored in the audit, and shown to the team.", callback=_reason)
]
AsTeamOption = Annotated[
    str, typer.Option("--as", metavar="TEAM", help="The team that does so.", callback=team_name)
]
PhaseOption = Annotated[
    str | None, typer.Option("--phase", metavar="PHASE", help="Name of the phase, where several would do.")
]


def organizer() -> str:
    """Return who types a command, for the audit: the user's name on this host."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user without a name
        name = f"uid {os.getuid()}"
    return sanitize_line(name, 100)
