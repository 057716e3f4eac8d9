"""`unlearn show`: one evaluation. Also prints the table of summaries for other commands."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Annotated, Final

import typer

from runner.cli.console import print_json, stdout_console
from runner.cli.interface.output_file import OverwriteOption
from runner.cli.interface.report_page import HtmlOption, check_page_file, stored_page, write_report_page
from runner.cli.options import (
    DEFAULT_STORE,
    EvaluationArgument,
    JsonOption,
    MovedChallengeOption,
    StoreOption,
)
from runner.cli.organizer.controls import show_controls
from runner.cli.participant.report import check_report_file, write_report
from runner.cli.participant.stored_view import NamedEvaluation, find_named
from runner.errors import ConfigurationError
from runner.reports.advice import advice_on_runs
from runner.reports.cells import plain_text
from runner.reports.entries import entries_json, entry_line, group_copies
from runner.reports.failures import follow_up
from runner.reports.notices import FILES_KIND
from runner.reports.runs import places_line, runs_table, terms_line
from runner.reports.scores import score_remarks, score_table, summary_json
from runner.reports.views.markdown import markdown_text
from runner.reports.views.model import EvaluationView
from runner.reports.views.next_step import next_steps
from runner.reports.views.terminal import view_lines
from runner.results.continuing import how_to_continue
from runner.results.summary import SCHEMA_VERSION, Summary
from runner.sanitize import sanitize, sanitize_line
from runner.store.entries.naming import LAST
from runner.store.records import RunRecord
from runner.wording import first_of, noun_for, quantity

_LISTED_RUNS: Final = 20
"""With more runs only those that failed are listed."""


def show_command(
    name: EvaluationArgument = LAST,
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
    card: Annotated[bool, typer.Option("--card", help="Show its score card: all metrics.")] = False,
    logs: Annotated[bool, typer.Option("--logs", help="Show what each run printed and raised.")] = False,
    controls: Annotated[
        bool,
        typer.Option("--controls", help="Show its runs on control problems, which only organizers know."),
    ] = False,
    participant: Annotated[
        bool, typer.Option("--participant", help="Show what the participant may see, by the feedback policy.")
    ] = False,
    entry: Annotated[
        int | None,
        typer.Option(help="With --participant: number of the entry, where several share the evaluation."),
    ] = None,
    challenge: MovedChallengeOption = None,
    html: HtmlOption = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print it as Markdown, for an issue or a CI summary.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            readable=False,
            help="Write what --card (.json) or --participant (text, or .json) shows to this file.",
        ),
    ] = None,
    overwrite: OverwriteOption = False,
) -> None:
    """Show an evaluation: its status, the first failure, problems, and how its runs ended.

    Without a name it is the last one, checks included. Under the feedback policy `full`, --participant shows
    all details of the submission's own runs; under `verdict-only` it shows verdicts, types of exceptions,
    whole seconds and the score. So it does with --html and --markdown.
    """
    if sum((card, logs, controls, participant)) > 1:
        raise ConfigurationError("Name only one of --card, --logs, --controls and --participant.")
    if html is not None or markdown:
        if card or logs or controls or as_json or out is not None or (html is not None and markdown):
            raise ConfigurationError("--html and --markdown go with --participant, and with no other output.")
        if html is not None:
            check_page_file(html, overwrite=overwrite)
        _show_report(name, store, participant=participant, entry=entry, challenge=challenge, html=html)
        return
    if logs and as_json:
        raise ConfigurationError("--logs prints text; leave out --json.")
    if out is not None and not (card or participant):
        raise ConfigurationError("--out goes with --card or --participant.")
    if out is not None and participant:
        check_report_file(out, as_json=as_json, overwrite=overwrite)
    named = find_named(name, store)
    if participant:
        write_report(named, entry=entry, as_json=as_json, out=out)
    elif controls:
        show_controls(named, as_json=as_json)
    elif card:
        from runner.cli.score import show_cards  # noqa: PLC0415 - imports the scorer

        show_cards([named.name], named.folder, challenge, out=out, overwrite=overwrite, as_json=as_json)
    elif logs:
        _show_logs(named)
    else:
        _show(named, as_json=as_json)


def _show_report(
    name: str, store: Path, *, participant: bool, entry: int | None, challenge: Path | None, html: Path | None
) -> None:
    """Write the report of an evaluation to a page, or print its view as Markdown."""
    report = stored_page(find_named(name, store), participant=participant, entry=entry, challenge=challenge)
    if html is None:
        sys.stdout.write(markdown_text(report.view))
        return
    write_report_page(report, html)
    stdout_console().print(f"Report: {html}", markup=False, soft_wrap=True)


def _view(named: NamedEvaluation) -> EvaluationView:
    """Return the view of an evaluation under its last entry, with the next command."""
    entries = named.store.entries_of(named.name)
    folder = named.store.evaluation(named.name).challenge_folder
    view = named.view(entries[-1] if entries else None)
    challenge = str(folder) if folder is not None else None
    steps = next_steps(view, challenge=challenge, store=named.typed_store)
    return view.model_copy(update={"next": steps})


def _shown_as_json(named: NamedEvaluation) -> dict[str, object]:
    opened = named.store
    stored = opened.evaluation(named.name)
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluation": stored.id,
        "entries": entries_json(opened.entries_of(stored.id)),
        "summary": summary_json(Summary.from_json(stored.summary)) if stored.summary is not None else None,
        "terms": opened.all_terms(stored.id),
        "runs": [asdict(run) for run in opened.runs(stored.id)],
        "view": _view(named).model_dump(mode="json"),
    }


def _show(named: NamedEvaluation, *, as_json: bool) -> None:
    """Print status and first failure, then the runs and what else is stored, and last the next commands."""
    if as_json:
        print_json(_shown_as_json(named))
        return
    opened, out = named.store, stdout_console()
    stored = opened.evaluation(named.name)
    entries, store = opened.entries_of(named.name), named.typed_store
    view = _view(named)
    out.print(f"evaluation {named.name} on {view.challenge}", markup=False, soft_wrap=True)
    for text in view_lines(view.model_copy(update={"next": []}), traceback=True):
        out.print(text, soft_wrap=True)
    _show_runs(runs := opened.runs(named.name))
    if places := places_line(runs, here=socket.gethostname()):
        out.print(places, markup=False, soft_wrap=True)
    for terms in opened.all_terms(named.name):
        out.print(terms_line(terms), soft_wrap=True)
    for entry in entries:
        out.print(plain_text(entry_line(entry)), soft_wrap=True)
    logs = named.folder / named.name / "logs"
    if logs.is_dir():
        out.print(f"Output of the runs: {logs}", markup=False, soft_wrap=True)
    for notice in view.notices:
        if notice.level == "suspicion" or notice.kind == FILES_KIND:
            line = f"{notice.level}: {notice.sentence} {notice.false_alarms}".rstrip()
            out.print(line, markup=False, soft_wrap=True, style="yellow")
    if notes := sum(notice.level == "note" and notice.kind != FILES_KIND for notice in view.notices):
        command = follow_up("show", named.name, store, "--card")
        out.print(f"{quantity(notes, 'note')}: {command}", markup=False, soft_wrap=True)
    if stored.summary is None:
        how = sanitize_line(how_to_continue(stored, entries, named.folder), 4000)
        out.print(f"Not finished; {how}", markup=False, soft_wrap=True)
    for command in view.next:
        out.print(f"next: {command}", markup=False, soft_wrap=True)


def _show_runs(runs: Sequence[RunRecord]) -> None:
    """Print how runs ended, below an empty line, and what to do about those that failed."""
    out = stdout_console()
    listed = (
        runs if len(runs) <= _LISTED_RUNS else [run for run in runs if run.verdict != "ok"][:_LISTED_RUNS]
    )
    if listed:
        out.print(runs_table(listed, out.width))  # it begins with an empty line
    else:
        out.print()
    if len(listed) < len(runs):
        out.print(f"{quantity(len(runs), 'run')}; --json lists all of them.")
    for line in advice_on_runs(runs):
        out.print(line, markup=False, soft_wrap=True)


def _show_logs(named: NamedEvaluation) -> None:
    """Print what each run printed and raised; every line of it is marked by ``|``."""
    out = stdout_console()
    for line in _log_lines(named):
        out.print(line, markup=False, soft_wrap=True)


def _log_lines(named: NamedEvaluation) -> Iterator[str]:
    logs = ((run, sanitize(named.log(run.index)).strip("\n")) for run in named.store.runs(named.name))
    for (verdict, has_output), group in groupby(logs, key=lambda item: (item[0].verdict, bool(item[1]))):
        if not has_output:  # in one line: most runs of an evaluation print nothing
            indices = [run.index for run, _log in group]
            yield f"{noun_for(len(indices), 'run')} {first_of(indices, 3)}, {verdict}: no output"
            continue
        for run, log in group:
            yield f"run {run.index}, {verdict}"
            yield from (f"    | {line}" for line in log.splitlines())


def show_summaries(
    summaries: Sequence[Summary],
    store: Path,
    *,
    as_json: bool,
    with_suspicions: bool = False,
    further: Sequence[str] = (),
) -> None:
    """Print scores as a table, or as one JSON object per evaluation.

    Args:
        summaries: Under the names that are shown.
        store: Folder of the store.
        as_json: Print JSON, and nothing else.
        with_suspicions: Show suspicions in full.
        further: More lines on the rows of the table, above the line that says where they are stored.
    """
    if as_json:
        for summary in summaries:
            print_json(summary_json(summary))
        return
    out = stdout_console()
    summaries, copies = group_copies(summaries)
    out.print(score_table(summaries, out.width))
    remarks = score_remarks(summaries, with_suspicions=with_suspicions)
    for line in (*remarks, *map(plain_text, copies)):
        out.print(line, soft_wrap=True)
    for text in further:
        out.print(text, markup=False, soft_wrap=True)
    judged = [summary for summary in summaries if not summary.refused]
    if not judged:
        return
    shown = next((summary for summary in judged if not summary.is_successful), judged[0])
    command = follow_up("show", shown.evaluation, store)
    out.print(f"Stored in {store}; for details: {command}", markup=False, soft_wrap=True)
