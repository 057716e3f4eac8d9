"""Where a failed run of an entry failed: the line of the submission's own file, under the path as typed.

The place is that of `runner.reports.views.place`: untrusted, shown, and never followed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from runner.reports.views.place import place_of
from runner.sanitize import sanitize_line
from runner.store.entries.records import Outcome
from runner.store.paths import DEFAULT_STORE
from runner.verdict import Verdict

if TYPE_CHECKING:  # they import pydantic, which `unlearn list` does without
    from runner.results.entry_result import EntryResult
    from runner.store.records import RunRecord


def failure_lines(
    results: Iterable[EntryResult],
    runs_of: Callable[[str], Iterable[RunRecord]],
    log_of: Callable[[str, int], bytes],
    *,
    store: Path,
) -> list[str]:
    """Return for each entry that failed where, and the command that shows the whole traceback.

    Args:
        results: Of a command's entries.
        runs_of: Returns the runs of an evaluation.
        log_of: Returns the log of a run of an evaluation, empty if there is none.
        store: Folder of the store, for the command.
    """
    lines = []
    for result in results:
        if result.outcome is not Outcome.FAILED:
            continue
        evaluation, name = result.summary.evaluation, sanitize_line(result.entry.name, 60)
        failed = next((run for run in runs_of(evaluation) if run.verdict is not Verdict.OK), None)
        if failed is None:
            continue
        log = log_of(evaluation, failed.index).decode(errors="replace")
        place = place_of(failed.detail, log, result.entry.path)
        if place is not None:
            source = f": {place.source}" if place.source else ""
            lines.append(f"{name}: at {place.file}:{place.line}{source}")
        lines.append(f"{name}: traceback and output: {follow_up('show', evaluation, store, '--logs')}")
    return lines


def follow_up(command: str, evaluation: str, store: Path, *options: str) -> str:
    """Return the command about an evaluation that can be pasted: with the store, unless it is the default."""
    where = ["--store", str(store)] if store != DEFAULT_STORE else []
    return shlex.join(["unlearn", command, evaluation, *options, *where])
