"""`unlearn store move`: the rows of a store from SQLite to PostgreSQL, or back."""

from __future__ import annotations

from typing import Annotated

import typer

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.store.moving.move import move_store
from runner.wording import quantity


def move_command(
    to: Annotated[
        str,
        typer.Argument(
            metavar="DATABASE", help="postgresql+psycopg://USER@HOST/DATABASE, which is empty, or sqlite."
        ),
    ],
    store: StoreOption = DEFAULT_STORE,
    as_json: JsonOption = False,
) -> None:
    """Move the rows of a store from SQLite to PostgreSQL, or back; its files stay in their folder.

    Everything else that uses the store must have ended: commands, and the web service. The rows are copied in
    one transaction and compared before the folder names their new database. What they were moved from is
    kept, and no command uses it any more.
    """
    moved = move_store(store, to)
    rows = sum(moved.counts.values())
    if as_json:
        print_json({"database": moved.database, "rows": moved.counts, "old_place": moved.old_place})
    else:
        text = f"{quantity(rows, 'row')} of {store} {'is' if rows == 1 else 'are'} in {moved.database} now"
        stdout_console().print(text, markup=False, soft_wrap=True)
    print_note(f"kept, to be removed by you: {moved.old_place}")
