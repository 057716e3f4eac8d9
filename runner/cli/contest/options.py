"""Arguments and options that the commands of a competition share."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import Annotated

import typer

from runner.sanitize import sanitize_line

CompetitionArgument = Annotated[
    Path, typer.Argument(metavar="DIR", readable=False, help="Folder of the competition.")
]
EntryArgument = Annotated[int, typer.Argument(metavar="ENTRY", help="Its number, as status shows it.", min=1)]
ReasonOption = Annotated[str, typer.Option(help="Why; stored in the audit, and shown to the team.")]
AsTeamOption = Annotated[str, typer.Option("--as", metavar="TEAM", help="The team that does so.")]
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
