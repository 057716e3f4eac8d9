"""Tables of an evaluation's runs and the terms that they were judged under."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from runner.reports.cells import figure, plain_text
from runner.store.records import RunRecord


def runs_table(runs: Sequence[RunRecord]) -> Table:
    """Return how each run of an evaluation ended."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("run", "seed", "verdict", "seconds", "attempt", "checkpoint", "detail"):
        table.add_column(name, justify="right" if name in ("run", "seconds", "attempt") else "left")
    for run in runs:
        table.add_row(
            str(run.index),
            str(run.seed),
            plain_text(run.verdict),
            figure(run.host_seconds, 2),
            str(run.attempt),
            run.checkpoint_sha256[:12],
            plain_text(run.detail),
        )
    return table


def terms_line(terms: Mapping[str, Any]) -> Text:
    """Return in one line what an evaluation's runs were allowed, on one machine."""
    parts = [f"{terms['wall_seconds']:.4g} s a run"]
    if terms["wall_fraction"] is not None:
        parts.append(
            f"{terms['wall_fraction']:.4g} of the {terms['retrain_seconds']:.4g} s that retraining takes"
        )
    if terms["total_seconds"] is not None:
        parts.append(f"{terms['total_seconds']:.4g} s for all runs")
    return Text(f"Time limit: {', '.join(parts)}. Feedback to participants: {terms['feedback']}.")
