"""What became of a gallery, for people and for machines."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rich.table import Table
from rich.text import Text

from runner.gallery.judge import Outcome, Result
from runner.gallery.run import GalleryReport
from runner.sanitize import sanitize_line
from runner.verdict import Verdict

_STYLES = {
    Outcome.CONTAINED: "green",
    Outcome.OPEN: "yellow",
    Outcome.ESCAPED: "bold red",
    Outcome.CLOSED: "bold red",
}


def gallery_table(report: GalleryReport) -> Table:
    """Return a row for each attack."""
    made = Table(box=None, pad_edge=False)
    for name in ("attack", "row", "verdict", "contained", "next run", "seconds", "what it tries"):
        made.add_column(name, justify="right" if name in ("row", "seconds") else "left")
    for result in report.results:
        made.add_row(
            Text(result.attack.name),
            Text(str(result.attack.description.threat)),
            Text(_verdict(result)),
            Text(_contained(result), style=_STYLES[result.outcome]),
            Text(_next_run(result)),
            Text(f"{sum(end.seconds for end in result.ends):.1f}"),
            Text(result.attack.description.title),
        )
    return made


def gallery_remarks(report: GalleryReport) -> list[str]:
    """Return what is to be said below the table; the last line counts."""
    lines: list[str] = []
    for result in report.results:
        name = result.attack.name
        if result.outcome is Outcome.OPEN:
            lines.append(f"{name} is a known hole: {result.expectation.open}")
        elif result.outcome is Outcome.CLOSED:
            lines.append(f"{name} is marked as open but was contained; remove the mark.")
        elif result.outcome is Outcome.ESCAPED:
            lines += [f"{name}: {sanitize_line(one, 500)}" for one in (*result.broken, *result.problems)]
    lines += [f"On the host: {one}" for one in report.left]
    counted = Counter(result.outcome for result in report.results)
    last = f"{len(report.results)} attacks, {counted[Outcome.CONTAINED]} contained"
    if counted[Outcome.OPEN]:
        last += f", {counted[Outcome.OPEN]} known to be open"
    if counted[Outcome.CLOSED]:
        last += f", {counted[Outcome.CLOSED]} wrongly marked as open"
    if counted[Outcome.ESCAPED]:
        last += f", {counted[Outcome.ESCAPED]} NOT CONTAINED"
    return [*lines, f"{last}; {len(report.left) or 'nothing'} left on the host."]


def gallery_json(report: GalleryReport) -> dict[str, Any]:
    """Return the same as plain values."""
    return {
        "passed": report.passed,
        "left_on_host": list(report.left),
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
                "role": end.step.role,
                "verdict": end.verdict,
                "detail": end.detail,
                "said": end.said,
                "seconds": round(end.seconds, 3),
                "container_ended": end.container_ended,
            }
            for end in result.ends
        ],
    }


def _verdict(result: Result) -> str:
    if result.attack.description.refusal is not None:
        return "refused" if result.passed else "not refused"
    return ", ".join(dict.fromkeys(end.verdict or "lost" for end in result.of("attack"))) or "-"


def _contained(result: Result) -> str:
    return {Outcome.CONTAINED: "yes", Outcome.OPEN: "no, known"}.get(result.outcome, "NO")


def _next_run(result: Result) -> str:
    if not (probes := result.of("probe")):
        return "-"
    return "ok" if all(end.verdict is Verdict.OK for end in probes) else "NOT OK"
