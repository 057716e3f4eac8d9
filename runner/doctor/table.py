"""Print findings as a table for a terminal, followed by the missing guarantees."""

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
    """Print findings as a table, then the guarantees that this host cannot give."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("status", no_wrap=True)
    table.add_column("check", min_width=18, overflow="fold")
    table.add_column("observation and advice", overflow="fold")
    for finding in findings:
        cell = Text(sanitize_line(finding.observation, _CELL_CHARACTERS))
        if finding.advice:
            cell.append("\n" + sanitize_line(finding.advice, _CELL_CHARACTERS), style="dim")
        status = Text(finding.status.value, style=_STYLES[finding.status])
        table.add_row(status, Text(finding.title), cell)
    console.print(table)
    lost = lost_guarantees(findings)
    console.print(Text("Guarantees this host cannot give", style="bold"))
    for clause in lost:
        console.print(Text(f"- {clause}"))
    if not lost:
        console.print(Text("none: all checked guarantees hold"))
    console.print(Text("Threats that no host defends against: docs/threat-model.md", style="dim"))
