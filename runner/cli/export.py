"""`unlearn challenge export`: a folder with what participants get of a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.challenge.export import export_challenge
from runner.challenge.load import load_challenge
from runner.challenge.seeds import has_guessable_seed
from runner.cli.console import stderr_console, stdout_console
from runner.reports.challenges import challenge_remarks, challenge_table


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
    challenge = load_challenge(folder)
    exported = export_challenge(challenge, public)
    out = stdout_console()
    out.print(challenge_table(exported))
    for line in challenge_remarks(exported):
        out.print(line)
    if has_guessable_seed(challenge.description):
        stderr_console().print(
            f"warning: the seed of this private challenge, {challenge.description.seed}, can be "
            "guessed: who tries the first 2^32 finds it, and with it the references. Build it with a larger, "
            "random one.",
            style="yellow",
            markup=False,
            soft_wrap=True,
        )
    out.print(f"{public}: {exported.sha256}", markup=False, soft_wrap=True)
