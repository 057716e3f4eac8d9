"""`unlearn challenge export`: a folder with what participants get of a challenge."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runner.challenge.export import BY_HEART, export_challenge, left_out_sentence
from runner.challenge.load import load_challenge
from runner.challenge.seeds import has_guessable_seed
from runner.cli.console import print_note, print_warning, stdout_console
from runner.errors import ConfigurationError
from runner.image.challenge_image import challenge_reference
from runner.reports.challenges import challenge_remarks, challenge_table


def export_command(
    folder: Annotated[
        Path, typer.Argument(readable=False, metavar="CHALLENGE", help="Folder of the challenge.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            readable=False,
            metavar="DIR",
            help="Folder for participants; must not exist yet, or be empty.",
        ),
    ] = None,
    image: Annotated[
        str,
        typer.Option(
            metavar="REF",
            help="Name where participants get the image, by digest, as `unlearn image push` prints it.",
            show_default=False,
        ),
    ] = "",
    earlier: Annotated[Path | None, typer.Option("--public", readable=False, hidden=True)] = None,
) -> None:
    """Write the folder that participants get, and print its hash.

    The folder of a public challenge holds everything, so that participants see a score. That of a private
    challenge holds only what a submission sees: runs on it are judged but not scored; test split, references
    and seed are left out.
    """
    if out is not None and earlier is not None:
        raise ConfigurationError("--public DIR is the earlier name of --out DIR; give --out alone.")
    target = out or earlier
    if target is None:
        raise ConfigurationError("Name the folder for participants with --out DIR.")
    reference = challenge_reference(image) if image else None
    challenge = load_challenge(folder)
    exported = export_challenge(challenge, target, image_reference=reference)
    console = stdout_console()
    console.print(challenge_table(exported))
    for line in challenge_remarks(exported):
        console.print(line, soft_wrap=True)
    if has_guessable_seed(challenge.description):
        print_warning(
            f"the seed of this private challenge, {challenge.description.seed}, can be "
            "guessed: trying the first 2^32 seeds reveals it, and with it the references. Build the "
            "challenge with a larger, random seed."
        )
    console.print(left_out_sentence(challenge.description), markup=False, soft_wrap=True)
    console.print(f"{target}: {exported.sha256}", markup=False, soft_wrap=True)
    print_note(BY_HEART)
    if earlier is not None:
        print_note(
            "--public DIR is now --out DIR: it names the folder, and says nothing of what is in it. "
            "Whether a challenge is public was decided when it was built."
        )
