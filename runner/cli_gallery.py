"""The command `unlearn gallery`: runs the hostile submissions against this host and shows what held."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from runner import challenge as challenges
from runner import gallery_attacks, gallery_report, image
from runner.engine import Engine
from runner.gallery_challenge import small_challenge
from runner.gallery_run import Gallery
from runner.placement import CPU, Isolation, place
from runner.progress import ConsoleReporter
from runner.session import session

_WIDE: Final = 160


def gallery_command(
    names: Annotated[
        list[str] | None, typer.Argument(help="Attacks to run; all if none is named.", show_default=False)
    ] = None,
    runtime: Annotated[
        str, typer.Option(help="Container runtime, as the engine knows it: runc, crun, runsc (gVisor).")
    ] = "",
    isolation: Annotated[
        Isolation,
        typer.Option(help="process: runs share a worker. container: each run has one of its own."),
    ] = "process",
    challenge: Annotated[
        Path | None,
        typer.Option(
            "--challenge", "-c", readable=False, help="Folder of the challenge; a small one if none."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Run the hostile sample submissions and show which of them were contained.

    Exit code 1 if one was not, or one that is marked as open was, or if anything was left on the host.
    """
    attacks = gallery_attacks.load_all(names=names or ())
    engine = Engine()
    placement = place(runtime=runtime, device=CPU, wanted_device=CPU, engine_info=engine.info())
    made = image.require(engine)
    err = Console(stderr=True, highlight=False)
    out = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE)
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-gallery-") as folder,
        ConsoleReporter(err) as reporter,
        session(engine) as labels,
    ):
        problem = (
            challenges.load(challenge)
            if challenge is not None
            else small_challenge(
                engine=engine,
                image=made,
                labels=labels,
                reporter=reporter,
                folder=Path(folder) / "challenge",
            )
        )
        report = Gallery(
            image=made,
            challenge=problem,
            labels=labels,
            placement=placement,
            isolation=isolation,
            folder=Path(folder) / "made",
            reporter=reporter,
        ).run(attacks)
    if as_json:
        sys.stdout.write(json.dumps(gallery_report.as_json(report)) + "\n")
    else:
        out.print(gallery_report.table(report))
        for line in gallery_report.remarks(report):
            out.print(line, markup=False, soft_wrap=True)
    if not report.passed:
        raise typer.Exit(1)
