"""`unlearn image`: build the image, show it, and move it between machines."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli.console import print_json, print_note, stderr_console, stdout_console
from runner.cli.options import JsonOption
from runner.engine.api import Engine
from runner.engine.connect import connect_engine
from runner.engine.session import container_session
from runner.image.build import build_image
from runner.image.image import BASE_LABEL, TORCH_LABEL, Image, require_image, require_image_by_digest
from runner.image.reference import Reference
from runner.image.torch_wheels import TorchWheels
from runner.image.transfer import ReceivedImage, load_image, pull_image, push_image, save_image
from runner.progress import ConsoleReporter
from runner.reports.cells import fact_lines
from runner.sanitize import sanitize

DigestOption = Annotated[
    str,
    typer.Option(
        "--image",
        metavar="DIGEST",
        help="Beginning of the digest of another image than the one in use.",
        show_default=False,
    ),
]
ReferenceArgument = Annotated[
    str, typer.Argument(metavar="REF", help="REGISTRY/NAME:TAG or REGISTRY/NAME@sha256:DIGEST.")
]


def build_image_command(
    torch_index: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Take torch and torchvision from this package index, such as one with builds for the CPU "
            "alone. This makes another image.",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Build the image if its inputs have changed; do nothing otherwise."""
    engine = connect_engine()
    with ConsoleReporter(stderr_console()) as reporter:
        image = build_image(engine, reporter, torch_index=torch_index)
    if torch_index:
        print_note(
            "this is another image than the one with PyPI's torch: evaluations in the two are different "
            "evaluations, and their scores are not compared."
        )
    _print(f"{image.tag} ({image.identity})")


def show_image_command(as_json: JsonOption = False) -> None:
    """Show which image would be used, and its inputs."""
    engine = connect_engine()
    image = require_image(engine)
    facts = engine.images.facts(image.tag)
    by_digest = [name for name in facts.get("names", []) if "@" in name]
    torch = TorchWheels.of_label(str(facts["labels"].get(TORCH_LABEL, "")))
    values = {
        "tag": image.tag,
        "inputs": image.digest,
        "identity": image.identity,
        "config": facts.get("config") or None,
        "platform": f"linux/{facts['architecture']}" if facts.get("architecture") else None,
        "references": by_digest,
        "base": facts["labels"].get(BASE_LABEL, "?"),
        "torch_index": torch.index if torch is not None else None,
        "created": facts["created"],
        "size_bytes": facts["size_bytes"],
    }
    _show_facts(values, as_json=as_json)


def save_image_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="Where to; must not exist yet.")
    ],
    digest: DigestOption = "",
) -> None:
    """Write the image to a file, for a machine without access to a registry."""
    engine = connect_engine()
    image = _image(engine, digest)
    with ConsoleReporter(stderr_console()) as reporter:
        save_image(engine, image, file, reporter)
    _print(f"{file}: {image.digest}")
    _print(f"On the other machine: unlearn image load {file.name}")


def load_image_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="What `unlearn image save` wrote.")
    ],
) -> None:
    """Load an image that `unlearn image save` wrote, after checking it."""
    engine = connect_engine()
    with ConsoleReporter(stderr_console()) as reporter, container_session(engine) as labels:
        received = load_image(engine, file, reporter, labels=labels)
    _show_received(received)


def push_image_command(reference: ReferenceArgument, digest: DigestOption = "") -> None:
    """Push the image to a registry, and print its name for others."""
    target = Reference.parse(reference)
    engine = connect_engine()
    image = _image(engine, digest)
    with ConsoleReporter(stderr_console()) as reporter:
        pushed = push_image(engine, image, target, reporter)
    _print(f"{pushed}: {image.digest}")
    _print(f"On other machines: unlearn setup --image {pushed}")


def pull_image_command(reference: ReferenceArgument) -> None:
    """Pull the image from a registry, check it, and use it.

    Name it by digest, as its organizer does: what a tag names can change.
    """
    source = Reference.parse(reference)
    engine = connect_engine()
    with ConsoleReporter(stderr_console()) as reporter, container_session(engine) as labels:
        received = pull_image(engine, source, reporter, labels=labels)
    note_tag(source, received)
    _show_received(received)


def note_tag(reference: Reference, received: ReceivedImage) -> None:
    """Print by which digest an image can be had that was pulled by a tag."""
    if not reference.digest:
        names = [name for name in received.image.references if name.partition("@")[0] == reference.name]
        now = f"; what it names now is {names[0]}" if len(names) == 1 else ""
        print_note(f"a tag can be moved to another image{now}")


def other_version_sentence(received: ReceivedImage) -> str:
    """Return what is known of an image that this version did not build."""
    return (
        f"The image {received.image.digest[:16]} belongs to another version of unlearn, so its content could "
        "not be compared with anything."
    )


def _show_received(received: ReceivedImage) -> None:
    image = received.image
    if received.replaced is not None:
        print_note(
            f"it takes the place of an image from the same inputs ({received.replaced}), which has no name "
            "now."
        )
    if not received.is_present:
        print_note(
            f"{other_version_sentence(received)} Evaluations and builds that need it find it with --image "
            f"{image.digest[:16]}; others use this version's own."
        )
    _print(f"{image.tag} ({image.identity})")


def _image(engine: Engine, digest: str) -> Image:
    return require_image_by_digest(engine, digest) if digest else require_image(engine)


def _print(text: str) -> None:
    stdout_console().print(sanitize(text), markup=False, soft_wrap=True)


def _show_facts(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    known = {name: value for name, value in facts.items() if value not in (None, [])}
    for line in fact_lines(
        {name: ", ".join(value) if isinstance(value, list) else value for name, value in known.items()}
    ):
        _print(line)
