"""`unlearn new`: a working submission to start from."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from runner.cli.console import stdout_console
from runner.submission.new import write_template
from runner.submission.pack import display_path


def new_command(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", readable=False, help="A folder that does not exist, or is empty.")
    ],
    ci: Annotated[
        Literal["github", "gitlab", "none"],
        typer.Option(help="The service for which a workflow file is written."),
    ] = "github",
) -> None:
    """Write a new submission that works: its code, a README, and a workflow file for CI."""
    names = write_template(folder, ci=ci)
    out = stdout_console()
    shown = display_path(folder)
    out.print(f"{shown} has {', '.join(names)}", markup=False, soft_wrap=True)
    out.print(f"next: unlearn check {shlex.quote(shown)}", markup=False, soft_wrap=True)
