"""Reports of evaluations as files: `unlearn show --html`, `--markdown`, `unlearn run --html`."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runner.cli.console import print_error, print_note, stdout_console
from runner.cli.interface.output_file import check_folder_for_files, check_output_file
from runner.cli.participant.report import participant_entry
from runner.cli.participant.stored_view import NamedEvaluation
from runner.errors import ConfigurationError, RunnerError
from runner.reports.participant import filtered_report, policy_of
from runner.reports.views.make import refused_view
from runner.results.entry_result import EntryResult
from runner.store.open_store import open_store

if TYPE_CHECKING:
    from runner.reports.views.report_model import ReportView

HtmlOption = Annotated[
    Path | None,
    typer.Option("--html", metavar="FILE", readable=False, help="Write a report to this file, a page."),
]
_SUFFIXES: Final = (".html", ".htm")


def check_page_file(file: Path, *, overwrite: bool) -> None:
    """Check the file of ``--html`` before anything is computed.

    Raises:
        ConfigurationError: its name promises another format, or it exists.
    """
    check_output_file(file, suffixes=_SUFFIXES, overwrite=overwrite, option="--html")


def check_page_folder(folder: Path) -> None:
    """Check the folder of ``--html`` before anything is executed.

    Raises:
        ConfigurationError: it is something else than a folder.
        HostNotReadyError: it is below a file, or this user may not write there.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"--html writes a page for each evaluation into a folder; {folder} is none.")
    check_folder_for_files(folder, option="--html")


def stored_page(
    named: NamedEvaluation,
    *,
    participant: bool = False,
    entry: int | None = None,
    challenge: Path | None = None,
) -> ReportView:
    """Return the report of an evaluation in a store.

    Args:
        named: The evaluation.
        participant: Filter it as the feedback policy of its challenge says.
        entry: Number of the entry that it is for, with ``participant``.
        challenge: Where the challenge is now; None for where it was.

    Raises:
        ConfigurationError: the evaluation has no such entry.
    """
    from runner.reports.views.report_make import stored_report  # noqa: PLC0415 - imports pydantic and scorer

    entries = named.store.entries_of(named.name)
    if participant:
        shown = participant_entry(entries, entry, named.store.evaluation(named.name))
        if shown is not None:  # the path is where the organizer put it
            shown = replace(shown, path=None)
    else:
        shown = entries[-1] if entries else None
    report = stored_report(named.view(shown), store=named.store, folder=named.folder, challenge=challenge)
    return filtered_report(report, policy_of(named.store.all_terms(named.name))) if participant else report


def write_report_page(report: ReportView, file: Path) -> None:
    """Write the page of a report.

    Raises:
        HostNotReadyError: the file cannot be written.
    """
    from runner.pages.report import report_page  # noqa: PLC0415 - imports jinja2, and matplotlib later
    from runner.pages.write import write_page  # noqa: PLC0415 - the same

    write_page(file, report_page(report))


def write_result_page(result: EntryResult, store: Path, folder: Path) -> Path:
    """Write the page of an entry that has ended, and return its file, named by the evaluation.

    A refused entry has no evaluation; its page has the number of the entry. A page of the same name is
    replaced.

    Args:
        result: Of the entry.
        store: Folder of the store.
        folder: Of the pages.

    Raises:
        RunnerError: the page cannot be made or written.
    """
    from runner.reports.views.report_make import make_report  # noqa: PLC0415 - imports the scorer

    summary, entry = result.summary, result.entry
    if summary.refused or summary.held:
        name = entry.evaluation if summary.held and entry.evaluation else f"entry-{entry.id}"
        view = refused_view(
            name=entry.name,
            path=entry.path or "",
            challenge=summary.challenge,
            n=summary.n,
            reason=summary.reason or "",
            held=summary.held,
            evaluation=entry.evaluation,
        )
        report = make_report(view)
    else:
        name = summary.evaluation
        with closing(open_store(store, create=False)) as opened:
            report = stored_page(NamedEvaluation(store=opened, folder=store, name=name))
    file = folder / f"{name}.html"
    write_report_page(report, file)
    return file


class ResultPages:
    """The reports of a command's entries, if they are requested."""

    def __init__(self, folder: Path | None, store: Path) -> None:
        """Write into ``folder``, or nothing if it is None."""
        self._folder, self._store = folder, store
        self._files: dict[Path, None] = {}

    def add(self, result: EntryResult) -> None:
        """Write the page of an entry; one that cannot be written does not end the command."""
        if self._folder is None:
            return
        try:
            self._files[write_result_page(result, self._store, self._folder)] = None
        except (RunnerError, OSError) as error:
            print_error(f"The report of {result.entry.name} is not written: {error}")

    def show(self, *, as_json: bool) -> None:
        """Print where the pages are; to stderr beside JSON."""
        if not self._files:
            return
        file = next(iter(self._files))
        line = f"Report: {file}" if len(self._files) == 1 else f"{len(self._files)} reports: {file.parent}"
        if as_json:
            print_note(line)
        else:
            stdout_console().print(line, markup=False, soft_wrap=True)
