"""`unlearn report`: an evaluation as its participant may see it."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from runner.cli.console import print_note
from runner.cli.interface.output_file import OverwriteOption, check_output_file
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.errors import ConfigurationError
from runner.files import read_stored_file, write_atomic
from runner.reports.entries import entry_line
from runner.reports.participant import participant_report, participant_text
from runner.store.entries.records import Entry
from runner.store.open_store import open_store
from runner.store.paths import MAX_LOG_BYTES, EvaluationPaths
from runner.store.stored_evaluation import StoredEvaluation

_SUFFIXES: Final = (".txt", ".json", "")


def report_command(
    name: Annotated[
        str,
        typer.Argument(
            metavar="EVALUATION", help="The beginning of its name, a submission's name or path, or last."
        ),
    ],
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
    entry: Annotated[
        int | None,
        typer.Option(help="Number of the entry that it is for, where several share the evaluation."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Write it to this file instead of showing it: text, or JSON if its name ends with .json.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Show what the participant may see of an evaluation, by its challenge's feedback policy.

    Under `full` that is everything about their runs; under `verdict-only` the verdicts, the type of
    an exception, whole seconds and the score. `unlearn show` is the organizer's own view.
    """
    if out is not None:
        check_output_file(out, suffixes=(".json",) if as_json else _SUFFIXES, overwrite=overwrite)
        as_json = out.suffix.lower() == ".json"
    opened = open_store(store, create=False)
    evaluation = opened.evaluation(opened.find(name))
    evaluation = replace(evaluation, submission=_name_of(opened.entries_of(evaluation.id), entry, evaluation))
    paths = EvaluationPaths(folder=store / evaluation.id)
    view = participant_report(
        evaluation=evaluation,
        terms=opened.all_terms(evaluation.id),
        runs=opened.runs(evaluation.id),
        log=lambda index: _read(paths.log(index)),
    )
    text = json.dumps(view, indent=2) + "\n" if as_json else participant_text(view)
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomic(out, text.encode())


def _name_of(entries: Sequence[Entry], number: int | None, evaluation: StoredEvaluation) -> str:
    """Return the name that a report shows. It never names other entries: participants learn nothing of them.

    Raises:
        ConfigurationError: there is no entry ``number`` of the evaluation.
    """
    listed = "; ".join(map(entry_line, entries))
    if number is not None:
        for each in entries:
            if each.id == number:
                return each.name
        raise ConfigurationError(
            f"Evaluation {evaluation.id} has no entry {number}; it has: {listed or 'none'}"
        )
    if len({each.name for each in entries}) > 1:
        print_note(f"{len(entries)} entries share this evaluation; name one with --entry: {listed}")
    return entries[0].name if entries else evaluation.submission


def _read(file: Path) -> str:
    """Return a run's log; empty if it printed nothing."""
    try:
        return read_stored_file(file, max_bytes=MAX_LOG_BYTES).decode("utf-8", errors="replace")
    except FileNotFoundError:
        return ""
