"""Tables of an evaluation's runs and the terms that they were judged under."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from runner.reports.cells import figure, plain_text
from runner.reports.columns import DEFAULT_WIDTH, REQUIRED, Column, fitted_table
from runner.sanitize import sanitize_line
from runner.store.records import RunRecord
from runner.units import MIB
from runner.wording import quantity

_PLACES: Final = 8
"""Listed in a line."""
_PLACE_CHARACTERS: Final = 2000
_DETAIL_WIDTH: Final = 30
"""A longer message may be folded to this width, no further."""


def runs_table(runs: Sequence[RunRecord], width: int = DEFAULT_WIDTH) -> Table:
    """Return how each run of an evaluation ended; a narrow table lacks hashes and seeds, not the message."""
    return fitted_table(
        [
            Column(title="run", cells=[str(run.index) for run in runs], importance=REQUIRED, right=True),
            Column(title="seed", cells=[str(run.seed) for run in runs], importance=2),
            Column(title="verdict", cells=[plain_text(run.verdict) for run in runs], importance=REQUIRED),
            Column(
                title="seconds",
                cells=[figure(run.host_seconds, 2) for run in runs],
                importance=4,
                right=True,
            ),
            Column(
                title="CPU s",
                cells=[figure(run.processor_seconds, 2) for run in runs],
                importance=2,
                right=True,
            ),
            Column(
                title="MiB",
                cells=[
                    figure(None if run.peak_memory_bytes is None else run.peak_memory_bytes / MIB, 0)
                    for run in runs
                ],
                importance=1,
                right=True,
            ),
            Column(title="attempt", cells=[str(run.attempt) for run in runs], importance=3, right=True),
            Column(title="checkpoint", cells=[run.checkpoint_sha256[:12] for run in runs], importance=1),
            Column(
                title="detail",
                cells=[plain_text(run.detail) for run in runs],
                importance=REQUIRED,
                shrinks_to=_DETAIL_WIDTH,
            ),
        ],
        width,
    )


def places_line(runs: Sequence[RunRecord], *, here: str) -> str:
    """Return on which machines and devices runs were executed; empty where all were on this one, or unknown.

    Args:
        runs: Of an evaluation.
        here: Name of this machine.
    """
    numbers = Counter((run.node, run.device_class) for run in runs if run.node)
    if not any(node != here for node, _device in numbers):
        return ""
    most = numbers.most_common(_PLACES)
    places = [f"{node}, {device}: {quantity(number, 'run')}" for (node, device), number in most]
    if len(numbers) > _PLACES:
        places.append(f"and {len(numbers) - _PLACES} more")
    return sanitize_line(f"Executed on {'; '.join(places)}.", _PLACE_CHARACTERS)


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
