"""The figures of the service, in the text format of Prometheus."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator

from runner.competition.states import EntryState
from runner.web.context import WebContext


def metrics_text(context: WebContext) -> str:
    """Return the figures. Reads the store."""
    return "\n".join(_lines(context)) + "\n"


def _lines(context: WebContext) -> Iterator[str]:
    store, name = context.store, context.contest.name
    counts: Counter[tuple[str, str]] = Counter()
    for entry in store.competition_entries(name):
        counts[entry.phase, str(entry.state)] += 1
    yield "# HELP unlearn_entries Entries by phase and state."
    yield "# TYPE unlearn_entries gauge"
    for phase in context.competition.phases:
        for state in EntryState:
            labels = f'phase="{phase.name}",state="{state}"'
            yield f"unlearn_entries{{{labels}}} {counts[phase.name, str(state)]}"
    yield "# HELP unlearn_paused Whether the competition is paused."
    yield "# TYPE unlearn_paused gauge"
    yield f"unlearn_paused {int(store.paused_since(name) is not None)}"
    yield "# HELP unlearn_disk_free_bytes Room on the disk of the store."
    yield "# TYPE unlearn_disk_free_bytes gauge"
    yield f"unlearn_disk_free_bytes {shutil.disk_usage(context.contest.store_folder).free}"
