"""`unlearn challenge export`: a folder with what participants get of a challenge."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from runner import challenge as challenges
from runner import report
from runner.export import export, is_guessable

_WIDE = 160


def export_command(
    folder: Annotated[
        Path, typer.Argument(readable=False, metavar="CHALLENGE", help="Folder of the challenge.")
    ],
    public: Annotated[
        Path,
        typer.Option(
            "--public",
            readable=False,
            metavar="DIR",
            help="Folder for participants; not there yet, or empty.",
        ),
    ],
) -> None:
    """Write the folder that participants get, and print its hash.

    Of a public challenge everything, so that they see a score. Of a private one what a submission sees:
    runs on it are judged, and not scored; test split, references and seed stay here.
    """
    problem = challenges.load(folder)
    made = export(problem, public)
    out = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    out.print(report.challenge_table(made))
    for line in report.challenge_remarks(made):
        out.print(line)
    if is_guessable(problem.description):
        Console(stderr=True, highlight=False).print(
            f"warning: the seed of this private challenge, {problem.description.seed}, can be "
            "guessed: who tries the first 2^32 finds it, and with it the references. Build it with a larger, "
            "random one.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"{public}: {made.sha256}", markup=False, soft_wrap=True)
