"""Print findings for a terminal: the verdict, a table, the missing guarantees."""

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
_TITLE_COLUMNS: Final = 24
"""A longer title is folded, so that one attack's name does not squeeze what all others observed."""


def verdict_sentence(findings: Sequence[Finding]) -> str:
    """Return whether the host is ready, in a few words: ``ready, with 6 warnings``."""
    broken = [finding.title.lower() for finding in findings if finding.status is Status.BROKEN]
    if broken:
        return f"not ready: {', '.join(broken)}"
    warnings = sum(finding.status is Status.WARNING for finding in findings)
    return "ready" + (f", with {warnings} warning{'s' if warnings > 1 else ''}" if warnings else "")


def show_findings(findings: Sequence[Finding], console: Console, *, verbose: bool = True) -> None:
    """Print the verdict, findings as a table, then the guarantees that this host cannot give.

    Without ``verbose`` the table has only what is broken or a warning, and a line counts the rest.
    """
    broken = any(finding.status is Status.BROKEN for finding in findings)
    console.print(Text(verdict_sentence(findings), style="bold red" if broken else "bold"), soft_wrap=True)
    bad = [finding for finding in findings if finding.status in (Status.BROKEN, Status.WARNING)]
    if shown := findings if verbose else bad:
        console.print(_table(shown))
    if hidden := len(findings) - len(shown):
        sentence = f"{hidden} more are ok or not needed; all of them: unlearn doctor -v"
        console.print(Text(sentence, style="dim"))
    lost = lost_guarantees(findings)
    console.print(Text("Guarantees this host cannot give", style="bold"))
    for clause in lost:
        console.print(Text(f"- {sanitize_line(clause, _CELL_CHARACTERS)}"), soft_wrap=True)
    if not lost:
        console.print(Text("none: all checked guarantees hold"))
    console.print(Text("Threats that no host defends against: docs/threat-model.md", style="dim"))


def _table(findings: Sequence[Finding]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("status", no_wrap=True)
    table.add_column("check", min_width=18, max_width=_TITLE_COLUMNS, overflow="fold")
    table.add_column("observation and advice", overflow="fold")
    for finding in findings:
        cell = Text(sanitize_line(finding.observation, _CELL_CHARACTERS))
        if finding.advice:
            cell.append("\n" + sanitize_line(finding.advice, _CELL_CHARACTERS), style="dim")
        status = Text(finding.status.value, style=_STYLES[finding.status])
        table.add_row(status, Text(finding.title), cell)
    return table
