"""`unlearn show`: one evaluation and its runs. Also prints the table of summaries for other commands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_json, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.reports.advice import advice_on_runs
from runner.reports.cells import plain_text
from runner.reports.entries import entries_json, entry_line, group_copies
from runner.reports.failures import follow_up
from runner.reports.runs import runs_table, terms_line
from runner.reports.scores import score_remarks, score_table, summary_json
from runner.results.continuing import how_to_continue
from runner.results.summary import SCHEMA_VERSION, Summary
from runner.sanitize import sanitize_line
from runner.store.open_store import open_store


def show_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="EVALUATION", help="The beginning of its name, a submission's name or path, or last."
        ),
    ],
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Show an evaluation and how each of its runs ended."""
    opened = open_store(store, create=False)
    stored = opened.evaluation(opened.find(name))
    runs, all_terms = opened.runs(stored.id), opened.all_terms(stored.id)
    entries = opened.entries_of(stored.id)
    if as_json:
        print_json(
            {
                "schema_version": SCHEMA_VERSION,
                "evaluation": stored.id,
                "entries": entries_json(entries),
                "summary": (
                    summary_json(Summary.from_json(stored.summary)) if stored.summary is not None else None
                ),
                "terms": all_terms,
                "runs": [asdict(run) for run in runs],
            }
        )
        return
    out = stdout_console()
    out.print(runs_table(runs, out.width))
    for line in advice_on_runs(runs):
        out.print(line, markup=False, soft_wrap=True)
    for terms in all_terms:
        out.print(terms_line(terms))
    if stored.summary is None:
        how = sanitize_line(how_to_continue(stored, entries, store), 4000)
        out.print(f"Not finished; {how}", markup=False, soft_wrap=True)
    else:
        show_summaries(
            [Summary.from_json(stored.summary)], store, as_json=False, with_suspicions=True, with_hint=False
        )
    for entry in entries:
        out.print(plain_text(entry_line(entry)))
    logs = store / stored.id / "logs"
    if logs.is_dir():
        report = follow_up("report", stored.id, store)
        out.print(f"Output of the runs: {logs}; with tracebacks: {report}", markup=False, soft_wrap=True)


def show_summaries(
    summaries: Sequence[Summary],
    store: Path,
    *,
    as_json: bool,
    with_suspicions: bool = False,
    with_hint: bool = True,
) -> None:
    """Print scores as a table, or as one JSON object per evaluation."""
    if as_json:
        for summary in summaries:
            print_json(summary_json(summary))
        return
    out = stdout_console()
    summaries, copies = group_copies(summaries)
    out.print(score_table(summaries, out.width))
    remarks = score_remarks(summaries, with_suspicions=with_suspicions)
    for line in (*remarks, *map(plain_text, copies)):
        out.print(line)
    evaluated = [summary for summary in summaries if not summary.refused]
    if evaluated and with_hint:
        details = follow_up("show", evaluated[0].evaluation, store)
        out.print(f"Stored in {store}; for details: {details}", markup=False, soft_wrap=True)
