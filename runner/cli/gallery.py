"""The command `unlearn gallery`: run the hostile submissions on this host and show which were contained."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from runner.challenge.load import load_challenge
from runner.cli.console import print_json, stderr_console, stdout_console
from runner.cli.options import IsolationOption, JsonOption, RuntimeOption
from runner.execution.cores import HostCores, cores_of
from runner.execution.host_session import host_session
from runner.gallery.attacks import load_attacks
from runner.gallery.challenge import small_challenge
from runner.gallery.report import gallery_json, gallery_remarks, gallery_table
from runner.gallery.run import Gallery
from runner.progress import ConsoleReporter


def gallery_command(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="ATTACK...", help="Attacks to run; all by default.", show_default=False),
    ] = None,
    runtime: RuntimeOption = "",
    isolation: IsolationOption = "process",
    challenge: Annotated[
        Path | None,
        typer.Option(
            "--challenge",
            "-c",
            metavar="DIR",
            readable=False,
            help="Folder of the challenge; a small one by default.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the hostile sample submissions and show which of them were contained.

    Exit code 1 if an attack was not contained, if a known hole is closed, or if the host has leftovers.
    """
    attacks = load_attacks(names=names or ())
    with (
        tempfile.TemporaryDirectory(prefix="unlearn-gallery-") as folder,
        host_session(ConsoleReporter(stderr_console()), runtime=runtime) as host,
    ):
        built = (
            load_challenge(challenge)
            if challenge is not None
            else small_challenge(
                engine=host.engine,
                image=host.image,
                labels=host.labels,
                reporter=host.reporter,
                folder=Path(folder) / "challenge",
            )
        )
        report = Gallery(
            image=host.image,
            challenge=built,
            labels=host.labels,
            placement=host.placement,
            isolation=isolation,
            cores=HostCores(cores_of(host.info)),
            folder=Path(folder) / "hostile-files",
            reporter=host.reporter,
        ).run(attacks)
    if as_json:
        print_json(gallery_json(report))
    else:
        out = stdout_console()
        out.print(gallery_table(report, out.width))
        for line in gallery_remarks(report):
            out.print(line, markup=False, soft_wrap=True)
    if not report.passed:
        raise typer.Exit(1)
