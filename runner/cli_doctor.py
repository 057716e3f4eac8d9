"""The command `unlearn doctor`: can this host run sandboxes safely and fairly?"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner import challenge as challenges
from runner.challenge_build import default_limits
from runner.doctor_attacks import attack_findings
from runner.doctor_checks import examine
from runner.doctor_facts import Purpose
from runner.doctor_gallery import find_runner
from runner.doctor_gather import gather
from runner.engine import Engine
from runner.errors import HostNotReadyError
from runner.findings import Finding, Status, as_json, broken, guarantees_lost
from runner.progress import ConsoleReporter
from runner.text import harmless_line

_WIDE: Final = 120
_STYLES: Final = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.BROKEN: "bold red",
    Status.NOT_AVAILABLE: "dim",
}
_CELL_CHARACTERS: Final = 600


def doctor_command(
    challenge: Annotated[
        Path | None,
        typer.Option(
            "--challenge",
            "-c",
            readable=False,
            help="Check against the limits of this challenge, not of digits.",
        ),
    ] = None,
    store: Annotated[
        Path,
        typer.Option(
            "--store", readable=False, envvar="UNLEARN_STORE", help="Folder where evaluations are kept."
        ),
    ] = Path("evaluations"),
    runtime: Annotated[
        str | None, typer.Option(help="Container runtime to be used: runc, crun, runsc or another.")
    ] = None,
    attacks: Annotated[
        bool, typer.Option("--attacks/--no-attacks", help="Run a quick selection of the attack gallery.")
    ] = True,
    as_json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Tell whether this host can run submissions safely and fairly, and what it cannot promise.

    Exit code 3 if something is broken; warnings do not fail.
    """
    limits = challenges.load(challenge).description.limits if challenge else default_limits("digits")
    purpose = Purpose(limits=limits, runtime=runtime)
    engine, problem = _connect()
    facts = gather(engine, problem, store)
    findings = examine(facts, purpose)
    if attacks and engine is not None:
        with ConsoleReporter(Console(stderr=True, highlight=False)) as reporter:
            findings += attack_findings(find_runner(engine, facts, purpose, reporter))
    if as_json_:
        sys.stdout.write(json.dumps(as_json(findings)) + "\n")
    else:
        show(findings, Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE))
    if wrong := broken(findings):
        names = ", ".join(one.title.lower() for one in wrong)
        raise HostNotReadyError(f"This host is not ready for submissions: {names}.")


def _connect() -> tuple[Engine | None, str]:
    try:
        return Engine(), ""
    except HostNotReadyError as error:
        return None, str(error)


def show(findings: Sequence[Finding], console: Console) -> None:
    """Print findings as a table, then what this host cannot promise."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("status", no_wrap=True)
    table.add_column("check", min_width=18, overflow="fold")
    table.add_column("found, and what it means", overflow="fold")
    for one in findings:
        cell = Text(harmless_line(one.found, _CELL_CHARACTERS))
        if one.advice:
            cell.append("\n" + harmless_line(one.advice, _CELL_CHARACTERS), style="dim")
        table.add_row(Text(one.status.value, style=_STYLES[one.status]), Text(one.title), cell)
    console.print(table)
    lost = guarantees_lost(findings)
    console.print(Text("Guarantees this host cannot give", style="bold"))
    for clause in lost:
        console.print(Text(f"- {clause}"))
    if not lost:
        console.print(Text("none that was looked for is missing"))
    console.print(Text("What is not defended on any host: docs/threat-model.md", style="dim"))
