"""`unlearn image build` and `unlearn image show`."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from runner.cli.console import print_json, stderr_console, stdout_console
from runner.cli.options import JsonOption
from runner.engine.connect import connect_engine
from runner.image.build import build_image
from runner.image.image import BASE_LABEL, require_image
from runner.progress import ConsoleReporter
from runner.reports.cells import plain_text


def build_image_command() -> None:
    """Build the image if its inputs have changed; do nothing otherwise."""
    engine = connect_engine()
    with ConsoleReporter(stderr_console()) as reporter:
        image = build_image(engine, reporter)
    stdout_console().print(f"{image.tag} ({image.identity})")


def show_image_command(as_json: JsonOption = False) -> None:
    """Show which image would be used, and its inputs."""
    engine = connect_engine()
    image = require_image(engine)
    facts = engine.images.facts(image.tag)
    values = {
        "tag": image.tag,
        "inputs": image.digest,
        "identity": image.identity,
        "base": facts["labels"].get(BASE_LABEL, "?"),
        "created": facts["created"],
        "size_bytes": facts["size_bytes"],
    }
    _show_facts(values, as_json=as_json)


def _show_facts(facts: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(facts)
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in facts.items():
        table.add_row(name, plain_text(value))
    stdout_console().print(table)
