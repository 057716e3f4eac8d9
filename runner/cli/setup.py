"""`unlearn setup`: make this host ready."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.builder.default_challenge import BUILD_SENTENCE, build_default_challenge, find_default_challenge
from runner.cli.console import print_note, stderr_console, stdout_console
from runner.cli.image import note_tag, other_version_sentence
from runner.engine.session import container_session
from runner.errors import HostNotReadyError
from runner.execution.host_session import host_session
from runner.image.reference import Reference
from runner.image.transfer import ReceivedImage, pull_image
from runner.progress import ConsoleReporter
from runner.setup import engine as setup
from runner.setup import runtimes as setup_runtimes


def setup_command(
    runtimes: Annotated[
        list[str] | None,
        typer.Option("--runtime", help="Also install a container runtime: runsc (gVisor) or crun."),
    ] = None,
    image: Annotated[
        str,
        typer.Option(
            metavar="REF",
            help="Take the image from a registry, by digest: REGISTRY/NAME@sha256:DIGEST.",
            show_default=False,
        ),
    ] = "",
    without_challenge: Annotated[
        bool,
        typer.Option(
            "--without-challenge",
            help="Do not build the public challenge of `unlearn check`; it is built when it is needed.",
        ),
    ] = False,
) -> None:
    """Prepare this host: start a container engine, then build the image.

    The image is built, or taken from a registry with --image. Then it builds the public challenge that
    `unlearn check` uses, into your cache.
    """
    reference = Reference.parse(image) if image else None
    with ConsoleReporter(stderr_console()) as reporter:
        if reference is not None:
            engine = setup.prepare_engine(reporter)
            with container_session(engine) as labels:
                received = pull_image(engine, reference, reporter, labels=labels)
            ready = received.image
            note_tag(reference, received)
            _require_this_version(received)
        else:
            ready = setup.prepare_host(reporter)
        for runtime in runtimes or []:
            setup_runtimes.add_runtime(runtime, reporter)
    if not without_challenge and find_default_challenge() is None:
        print_note(BUILD_SENTENCE)
        with host_session(ConsoleReporter(stderr_console())) as host:
            build_default_challenge(host.engine, host.image, labels=host.labels, reporter=host.reporter)
    print_ready(ready.tag)


def print_ready(tag: str) -> None:
    """Print that this host is ready, and what to do next.

    Args:
        tag: Of the image.
    """
    out = stdout_console()
    out.print(f"Ready: {tag}", markup=False, soft_wrap=True)
    out.print("next: unlearn new mine")


def _require_this_version(received: ReceivedImage) -> None:
    """Refuse to go on with an image in which nothing of this version could be checked or run.

    Raises:
        HostNotReadyError: the image belongs to another version.
    """
    if not received.is_present:
        raise HostNotReadyError(
            f"{other_version_sentence(received)} Install the version of unlearn that the organizer names."
        )
