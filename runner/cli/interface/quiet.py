"""The option `--quiet` of every command."""

from __future__ import annotations

from typing import Annotated

import typer
from typer.core import TyperCommand, TyperOption
from typer.main import get_command

from runner.cli.console import set_quiet


def quiet_option() -> TyperOption:
    """Return the option, which is the same in each command and takes effect when it is read."""
    app = typer.Typer(add_completion=False)
    app.command()(_with_quiet)
    command = get_command(app)
    assert isinstance(command, TyperCommand)
    option = command.params[0]
    assert isinstance(option, TyperOption)
    return option


def _with_quiet(
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", callback=set_quiet, expose_value=False, help="Show no progress and no notes."
        ),
    ] = False,
) -> None:
    """Take the option; never called."""
