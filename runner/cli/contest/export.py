"""`unlearn competition export`: everything that is recorded, for an archive or a paper."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from runner.cli.console import print_note, stdout_console
from runner.cli.contest.options import CompetitionArgument
from runner.cli.options import DEFAULT_STORE, StoreOption
from runner.contest.export import Export, write_export
from runner.contest.opened import open_contest
from runner.wording import quantity


def export_command(
    folder: CompetitionArgument,
    out: Annotated[
        Path, typer.Argument(metavar="OUT", readable=False, help="A folder that does not exist yet.")
    ],
    anonymous: Annotated[
        bool,
        typer.Option(
            "--anonymous", help="Replace names of teams, and leave out files' names, users and reasons."
        ),
    ] = False,
    store: StoreOption = DEFAULT_STORE,
) -> None:
    """Write teams, entries, results, finals and audit as JSON and CSV, with hashes, without submissions.

    With --anonymous, who has a submission can still recognise it by its hash, and who knows when a team
    handed in may guess.
    """
    with open_contest(folder, store) as contest:
        files = Export(contest=contest, anonymous=anonymous).files(datetime.now(UTC))
    write_export(out, files)
    stdout_console().print(f"Export: {out}", markup=False, soft_wrap=True)
    print_note(quantity(len(files), "file"))
