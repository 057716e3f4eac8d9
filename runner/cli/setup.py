"""`unlearn setup`: make this host ready."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.builder.default_challenge import BUILD_SENTENCE, build_default_challenge, find_default_challenge
from runner.cli.console import print_note, stderr_console, stdout_console
from runner.execution.host_session import host_session
from runner.progress import ConsoleReporter
from runner.setup import engine as setup
from runner.setup import runtimes as setup_runtimes


def setup_command(
    runtimes: Annotated[
        list[str] | None, typer.Option("--runtime", help="Also make a runtime known: runsc (gVisor), crun.")
    ] = None,
    without_challenge: Annotated[
        bool,
        typer.Option(
            "--without-challenge",
            help="Do not build the public challenge of `unlearn check`; it is built when it is needed.",
        ),
    ] = False,
) -> None:
    """Make this host ready: a container engine that answers, then the image.

    Then it builds the public challenge that `unlearn check` uses, into your cache.
    """
    with ConsoleReporter(stderr_console()) as reporter:
        image = setup.prepare_host(reporter)
        for runtime in runtimes or []:
            setup_runtimes.add_runtime(runtime, reporter)
    if not without_challenge and find_default_challenge() is None:
        print_note(BUILD_SENTENCE)
        with host_session(ConsoleReporter(stderr_console())) as host:
            build_default_challenge(host.engine, host.image, labels=host.labels, reporter=host.reporter)
    stdout_console().print(f"Ready: {image.tag}")
