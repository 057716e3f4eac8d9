"""The report of an evaluation for its participant, and `unlearn report`, which is now an option of `show`."""

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
from runner.cli.options import DEFAULT_STORE, EvaluationArgument, StoreOption
from runner.cli.participant.stored_view import NamedEvaluation, find_named
from runner.errors import ConfigurationError
from runner.files import write_atomic
from runner.reports.entries import entry_line
from runner.reports.participant import participant_report, participant_text
from runner.store.entries.records import Entry
from runner.store.stored_evaluation import StoredEvaluation

_SUFFIXES: Final = (".txt", ".json", "")


def report_command(
    name: EvaluationArgument,
    store: StoreOption = DEFAULT_STORE,
    as_json: Annotated[bool, typer.Option("--json", help="JSON instead of text.")] = False,
    entry: Annotated[int | None, typer.Option(help="Number of the entry that it is for.")] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", readable=False, help="Write it to this file.")
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Show what the participant may see: the earlier name of `unlearn show --participant`."""
    if out is not None:
        check_report_file(out, as_json=as_json, overwrite=overwrite)
    named = find_named(name, store)
    write_report(named, entry=entry, as_json=as_json, out=out)
    print_note(f"unlearn report is now: unlearn show {named.name} --participant")


def check_report_file(out: Path, *, as_json: bool, overwrite: bool) -> None:
    """Check the file of a report before anything is read.

    Raises:
        ConfigurationError: its name promises another format, or it exists.
    """
    check_output_file(out, suffixes=(".json",) if as_json else _SUFFIXES, overwrite=overwrite)


def write_report(named: NamedEvaluation, *, entry: int | None, as_json: bool, out: Path | None) -> None:
    """Write what the participant may see of an evaluation to stdout, or to a file.

    Args:
        named: The evaluation.
        entry: Number of the entry that it is for; None for the first.
        as_json: Write JSON to stdout; in a file its name decides.
        out: The file.

    Raises:
        ConfigurationError: the evaluation has no such entry.
    """
    opened = named.store
    evaluation = opened.evaluation(named.name)
    shown = participant_entry(opened.entries_of(named.name), entry, evaluation)
    evaluation = replace(evaluation, submission=shown.name if shown is not None else evaluation.submission)
    view = participant_report(
        evaluation=evaluation,
        terms=opened.all_terms(evaluation.id),
        runs=opened.runs(evaluation.id),
        log=named.log,
    )
    if out is not None:
        as_json = out.suffix.lower() == ".json"
    text = json.dumps(view, indent=2) + "\n" if as_json else participant_text(view)
    if out is None:
        sys.stdout.write(text)
    else:
        write_atomic(out, text.encode())


def participant_entry(
    entries: Sequence[Entry], number: int | None, evaluation: StoredEvaluation
) -> Entry | None:
    """Return the entry that a report is for; None without any.

    A report never names other entries: participants learn nothing of them.

    Raises:
        ConfigurationError: there is no entry ``number`` of the evaluation.
    """
    listed = "; ".join(map(entry_line, entries))
    if number is not None:
        for each in entries:
            if each.id == number:
                return each
        raise ConfigurationError(
            f"Evaluation {evaluation.id} has no entry {number}; it has: {listed or 'none'}"
        )
    if len({each.name for each in entries}) > 1:
        print_note(f"{len(entries)} entries share this evaluation; name one with --entry: {listed}")
    return entries[0] if entries else None
