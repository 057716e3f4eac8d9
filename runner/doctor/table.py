"""TODO runner.doctor.table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from runner.doctor.findings import Finding, Status, lost_guarantees
from runner.sanitize import sanitize_line

_STYLES: Final = {
    Status.OK: "green",
    Status.WARNING: "yellow",
    Status.BROKEN: "bold red",
    Status.NOT_AVAILABLE: "dim",
}
_CELL_CHARACTERS: Final = 600


def show_findings(findings: Sequence[Finding], console: Console) -> None:
    """Print findings as a table, then what this host cannot promise."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("status", no_wrap=True)
    table.add_column("check", min_width=18, overflow="fold")
    table.add_column("found, and what it means", overflow="fold")
    for one in findings:
        cell = Text(sanitize_line(one.found, _CELL_CHARACTERS))
        if one.advice:
            cell.append("\n" + sanitize_line(one.advice, _CELL_CHARACTERS), style="dim")
        table.add_row(Text(one.status.value, style=_STYLES[one.status]), Text(one.title), cell)
    console.print(table)
    lost = lost_guarantees(findings)
    console.print(Text("Guarantees this host cannot give", style="bold"))
    for clause in lost:
        console.print(Text(f"- {clause}"))
    if not lost:
        console.print(Text("none that was looked for is missing"))
    console.print(Text("What is not defended on any host: docs/threat-model.md", style="dim"))
