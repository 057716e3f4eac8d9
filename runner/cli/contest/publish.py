"""`unlearn competition publish`: leaderboards and results of finals as static pages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_note, print_warning, stderr_console, stdout_console
from runner.cli.contest.options import CompetitionArgument, PhaseOption
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.cli.organizer.board_pages import ReportSource, board_files, constant_file
from runner.competition.phase import Phase
from runner.contest.board import phase_board
from runner.contest.final import Final
from runner.contest.finals.publication import is_published
from runner.contest.finals.results import public_results
from runner.contest.opened import OpenContest, open_contest
from runner.errors import ConfigurationError
from runner.leaderboard.final_page import final_page
from runner.leaderboard.model import Board
from runner.leaderboard.stored.site import SiteFile, check_site_folder, write_site
from runner.pages.write import page_bytes
from runner.progress import ConsoleReporter, Reporter
from runner.wording import quantity


def publish_command(
    folder: CompetitionArgument,
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT", readable=False, help="Folder that gets a folder of pages for each phase."
        ),
    ],
    phase: PhaseOption = None,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write the leaderboards that everybody may see as static pages, a folder for each phase.

    Finals are among them once their results are published: `unlearn competition final --publish`. Phases
    that are not open yet, or whose scores are not shown, are not.
    """
    with open_contest(folder, store) as contest:
        now = datetime.now(UTC)
        for each in contest.competition.phases:
            page = out / each.name / "index.html"
            is_shown = each.leaderboard.shown and (each.kind != "final" or _is_published(contest, each))
            if phase in (None, each.name) and not is_shown and page.exists():
                print_warning(
                    f"the scores of phase {each.name} are not shown any more, and {page.parent} still has "
                    "earlier pages; remove it"
                )
        phases = [
            each
            for each in contest.competition.phases
            if (each.kind != "final" or _is_published(contest, each))
            and each.leaderboard.shown
            and contest.competition.stage(each, now) != "not open yet"
            and phase in (None, each.name)
        ]
        if not phases:
            raise ConfigurationError(
                "No leaderboard can be published: no such phase is open, or shows scores."
            )
        for each in phases:
            check_site_folder(out / each.name)
        for each in phases:
            with ConsoleReporter(stderr_console()) as reporter:
                if each.kind == "final":
                    files = _final_files(contest, each, reporter)
                else:
                    board = phase_board(contest, each, reporter)
                    visible = _with_remarks(board.for_public(), board.remarks(now))
                    source = ReportSource(
                        store=contest.store, folder=store, challenge=None, reporter=reporter
                    )
                    files = board_files(visible, source)
                new = write_site(out / each.name, files)
            page = out / each.name / "index.html"
            what = "Results" if each.kind == "final" else "Leaderboard"
            stdout_console().print(f"{what}: {page}", markup=False, soft_wrap=True)
            print_note(f"{quantity(len(files), 'page')}, {new} of them new")


def _is_published(contest: OpenContest, phase: Phase) -> bool:
    return is_published(Final(contest=contest, phase=phase))


def _final_files(contest: OpenContest, phase: Phase, reporter: Reporter) -> list[SiteFile]:
    """Return the page of a final and its data, as everybody may see them."""
    results = public_results(Final(contest=contest, phase=phase), reporter)
    files = {
        "index.html": page_bytes(final_page(results)),
        "results.json": (results.model_dump_json(indent=1) + "\n").encode(),
    }
    return [constant_file(path, data) for path, data in files.items()]


def _with_remarks(board: Board, remarks: Sequence[str]) -> Board:
    tables = [table.model_copy(update={"remarks": [*table.remarks, *remarks]}) for table in board.tables]
    return board.model_copy(update={"tables": tables})
