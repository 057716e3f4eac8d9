"""`unlearn show` and `unlearn list`: evaluations of a store."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from runner.cli.console import print_json, stdout_console
from runner.cli.options import (
    DEFAULT_STORE,
    JsonOption,
    StoreOption,
)
from runner.reports.cells import plain_text
from runner.reports.runs import runs_table, terms_line
from runner.reports.scores import score_remarks, score_table
from runner.store.store import Store


def show_command(
    name: Annotated[str, typer.Argument(help="An evaluation, by the beginning of its name.")],
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Show an evaluation and how each of its runs ended."""
    kept = Store.in_folder(store, create=False)
    found = kept.find(name)
    summary, runs = kept.summary(found), [asdict(run) for run in kept.runs(found)]
    if as_json:
        terms = kept.all_terms(found)
        print_json({"evaluation": found, "summary": summary, "terms": terms, "runs": runs})
        return
    out = stdout_console()
    out.print(runs_table(runs))
    for one in kept.all_terms(found):
        out.print(terms_line(one))
    if summary is None:
        out.print("Not finished; repeat the command that began it.")
    else:
        show_summaries([summary], store, as_json=False)
    logs = store / found / "logs"
    if logs.is_dir():
        out.print(f"What the runs printed: {logs}", markup=False, soft_wrap=True)


def list_command(store: StoreOption = DEFAULT_STORE, as_json: JsonOption = False) -> None:
    """List all evaluations of a store with their scores."""
    found = Store.in_folder(store, create=False).evaluations()
    if as_json:
        for one in found:
            print_json({**one, "begun": one["begun"].isoformat()})
        return
    ended = [one["summary"] for one in found if one["summary"] is not None]
    out = stdout_console()
    out.print(score_table(ended, out.width))
    for line in score_remarks(ended):
        out.print(line)
    for one in found:
        if one["summary"] is None:
            out.print(plain_text(f"{one['submission']}: not finished ({one['evaluation']})"))


def show_summaries(summaries: list[dict[str, Any]], store: Path, *, as_json: bool) -> None:
    """Print scores as a table, or as one JSON object per evaluation."""
    if as_json:
        for summary in summaries:
            print_json(summary)
        return
    out = stdout_console()
    out.print(score_table(summaries, out.width))
    for line in score_remarks(summaries):
        out.print(line)
    out.print(f"Kept in {store}; more with: unlearn show EVALUATION", markup=False, soft_wrap=True)
