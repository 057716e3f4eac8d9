"""`unlearn --version`: the version, the image, and the versions of all stored formats."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def show_version_and_exit(requested: bool) -> None:
    """Print the versions and end the command, if that is requested."""
    if requested:
        sys.stdout.write(version_text())
        raise typer.Exit


def root_options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            is_eager=True,
            callback=show_version_and_exit,
            help="Show the versions of program, image and formats.",
        ),
    ] = False,
) -> None:
    """Run and judge machine-unlearning submissions in sealed containers."""


def version_text() -> str:
    """Return a line each for the program, its image and its stored formats."""
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415 - for --version only

    from runner.challenge.description import SCHEMA_VERSION as CHALLENGE  # noqa: PLC0415
    from runner.leaderboard.model import SCHEMA_VERSION as LEADERBOARD  # noqa: PLC0415
    from runner.reports.participant import SCHEMA_VERSION as REPORT  # noqa: PLC0415
    from runner.reports.views.model import SCHEMA_VERSION as VIEW  # noqa: PLC0415
    from runner.results.manifest import SCHEMA_VERSION as MANIFEST  # noqa: PLC0415
    from runner.results.summary import SCHEMA_VERSION as SUMMARY  # noqa: PLC0415
    from scoring.card.card import SCHEMA_VERSION as CARD  # noqa: PLC0415

    try:
        number = version("unlearn")
    except PackageNotFoundError:
        number = "(not installed)"
    schemas = {
        "challenge": CHALLENGE,
        "summary": SUMMARY,
        "manifest": MANIFEST,
        "card": CARD,
        "report": REPORT,
        "view": VIEW,
        "leaderboard": LEADERBOARD,
    }
    listed = ", ".join(f"{name} {number}" for name, number in schemas.items())
    return f"unlearn {number}\nimage   {_image()}\nschemas {listed}\n"


def _image() -> str:
    """Return the digest of the image that commands would use, or why there is none."""
    from runner.engine.connect import connect_engine  # noqa: PLC0415 - imports the engine's client
    from runner.errors import RunnerError  # noqa: PLC0415
    from runner.image.image import require_image  # noqa: PLC0415

    try:
        return require_image(connect_engine()).digest
    except RunnerError as error:
        return f"none: {error}"
