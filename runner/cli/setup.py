"""`unlearn setup`: make this host ready."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import stderr_console, stdout_console
from runner.progress import ConsoleReporter
from runner.setup import engine as setup
from runner.setup import runtimes as setup_runtimes


def setup_command(
    runtimes: Annotated[
        list[str] | None, typer.Option("--runtime", help="Also make a runtime known: runsc (gVisor), crun.")
    ] = None,
) -> None:
    """Make this host ready: a container engine that answers, then the image."""
    with ConsoleReporter(stderr_console()) as reporter:
        image = setup.prepare_host(reporter)
        for runtime in runtimes or []:
            setup_runtimes.add_runtime(runtime, reporter)
    stdout_console().print(f"Ready: {image.tag}")
