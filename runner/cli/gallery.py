"""The command `unlearn gallery`: runs the hostile submissions against this host and shows what held."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console, stdout_console
from runner.engine.client import connect_engine
from runner.engine.placement import CPU, Isolation, resolve_placement
from runner.engine.session import container_session
from runner.gallery.attacks import load_attacks
from runner.gallery.challenge import small_challenge
from runner.gallery.report import gallery_json, gallery_remarks, gallery_table
from runner.gallery.run import Gallery
from runner.image.image import require_image
from runner.progress import ConsoleReporter


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
    attacks = load_attacks(names=names or ())
    engine = connect_engine()
    placement = resolve_placement(runtime=runtime, device=CPU, required_device=CPU, info=engine.info())
    made = require_image(engine)
    err = stderr_console()
    out = stdout_console()
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-gallery-") as folder,
        ConsoleReporter(err) as reporter,
        container_session(engine) as labels,
    ):
        problem = (
            load_challenge(challenge)
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
        print_json(gallery_json(report))
    else:
        out.print(gallery_table(report))
        for line in gallery_remarks(report):
            out.print(line, markup=False, soft_wrap=True)
    if not report.passed:
        raise typer.Exit(1)
