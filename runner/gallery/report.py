"""Present the results of a gallery as a table, as remarks and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.gallery.judge import Outcome, Result
from runner.gallery.run import GalleryReport
from runner.reports.columns import DEFAULT_WIDTH, REQUIRED, Column, fitted_table
from runner.sanitize import sanitize_line
from runner.verdict import Verdict
from runner.wording import quantity

_STYLES = {
    Outcome.CONTAINED: "green",
    Outcome.OPEN: "yellow",
    Outcome.ESCAPED: "bold red",
    Outcome.CLOSED: "bold red",
}


def gallery_table(report: GalleryReport, width: int = DEFAULT_WIDTH) -> Table:
    """Return a row for each attack; a narrow table lacks what is no outcome."""
    results = report.results
    seconds = [f"{sum(run.seconds for run in result.runs):.1f}" for result in results]
    titles = [Text(result.attack.description.title) for result in results]
    contained = [Text(_contained(result), style=_STYLES[result.outcome]) for result in results]
    threats = [str(result.attack.description.threat) for result in results]
    return fitted_table(
        [
            Column(title="attack", cells=[result.attack.name for result in results], importance=REQUIRED),
            Column(title="row", cells=threats, importance=1, right=True),
            Column(title="verdict", cells=list(map(_verdict, results)), importance=4, shrinks_to=13),
            Column(title="contained", cells=contained, importance=REQUIRED),
            Column(title="next run", cells=list(map(_next_run, results)), importance=3),
            Column(title="seconds", cells=seconds, importance=0, right=True),
            Column(title="what it tries", cells=titles, importance=2, shrinks_to=22),
        ],
        width,
    )


def gallery_remarks(report: GalleryReport) -> list[str]:
    """Return the lines below the table; the last one holds the counts."""
    lines: list[str] = []
    for result in report.results:
        name = result.attack.name
        if result.outcome is Outcome.OPEN:
            lines.append(f"{name} is a known hole: {result.expectation.open}")
        elif result.outcome is Outcome.CLOSED:
            lines.append(f"{name} is marked as open but was contained; remove the mark.")
        elif result.outcome is Outcome.ESCAPED:
            lines += [
                f"{name}: {sanitize_line(problem, 500)}" for problem in (*result.broken, *result.problems)
            ]
    lines += [f"On the host: {leftover}" for leftover in report.leftovers]
    counts = Counter(result.outcome for result in report.results)
    last = f"{quantity(len(report.results), 'attack')}, {counts[Outcome.CONTAINED]} contained"
    if counts[Outcome.OPEN]:
        last += f", {counts[Outcome.OPEN]} known to be open"
    if counts[Outcome.CLOSED]:
        last += f", {counts[Outcome.CLOSED]} wrongly marked as open"
    if counts[Outcome.ESCAPED]:
        last += f", {counts[Outcome.ESCAPED]} NOT CONTAINED"
    leftovers = quantity(len(report.leftovers), "leftover") if report.leftovers else "no leftovers"
    return [*lines, f"{last}; {leftovers} on the host."]


def gallery_json(report: GalleryReport) -> dict[str, Any]:
    """Return the report as plain values for JSON."""
    return {
        "passed": report.passed,
        "left_on_host": list(report.leftovers),
        "attacks": [_attack_json(result) for result in report.results],
    }


def _attack_json(result: Result) -> dict[str, Any]:
    return {
        "attack": result.attack.name,
        "threat": result.attack.description.threat,
        "title": result.attack.description.title,
        "runtime": result.runtime,
        "isolation": result.isolation,
        "outcome": result.outcome,
        "passed": result.passed,
        "open": result.expectation.open,
        "problems": [*result.broken, *result.problems],
        "runs": [
            {
                "role": run.step.role,
                "verdict": run.verdict,
                "detail": run.detail,
                "said": run.output,
                "seconds": round(run.seconds, 3),
                "container_ended": run.container_ended,
            }
            for run in result.runs
        ],
    }


def _verdict(result: Result) -> str:
    if result.attack.description.refusal is not None:
        return "refused" if result.passed else "not refused"
    return ", ".join(dict.fromkeys(run.verdict or "lost" for run in result.runs_of("attack"))) or "-"


def _contained(result: Result) -> str:
    return {Outcome.CONTAINED: "yes", Outcome.OPEN: "no, known"}.get(result.outcome, "NO")


def _next_run(result: Result) -> str:
    if not (probes := result.runs_of("probe")):
        return "-"
    return "ok" if all(probe.verdict is Verdict.OK for probe in probes) else "NOT OK"
