"""`unlearn list`: the evaluations of a store. It imports little, because it is typed often."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.errors import ConfigurationError
from runner.reports.cells import plain_text
from runner.reports.entries import copies_lines, entries_json, names_by_evaluation, refused_lines
from runner.reports.evaluations import (
    ListedEvaluation,
    by_score,
    by_time,
    evaluation_json,
    evaluations_remarks,
    evaluations_table,
    listed_evaluations,
    shown_of,
)
from runner.results.view import SCHEMA_VERSION
from runner.store.entries.records import Entry, Outcome
from runner.store.listing import (
    DATABASE_FILE,
    no_store_sentence,
    read_entry_listing,
    read_listing,
    read_progress,
)
from runner.store.paths import unlisted_sentence
from runner.store.stored_evaluation import StoredEvaluation

NEWEST: Final = 20
"""Evaluations that the table shows by default."""


def list_command(
    store: StoreOption = DEFAULT_STORE,
    challenge: Annotated[
        str | None,
        typer.Option(
            "--challenge",
            "-c",
            metavar="CHALLENGE",
            help="Only evaluations on this challenge: its name, its folder, or the beginning of its hash.",
        ),
    ] = None,
    sort: Annotated[
        Literal["when", "score"], typer.Option(help="when: the newest first; score: the best first.")
    ] = "when",
    show_all: Annotated[bool, typer.Option("--all", help="Show all, not only the first 20.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the evaluations of a store with their scores, the newest first.

    The table shows 20; --json prints all, in the same order.
    """
    evaluations, entries = _evaluations(store)
    if remark := unlisted_sentence(store, {stored.id for stored in evaluations}):
        print_note(remark)
    rows = _rows(store, evaluations, challenge)
    refused = [
        entry
        for entry in entries
        if entry.outcome is Outcome.REFUSED and (challenge is None or entry.challenge == challenge)
    ]
    rows.sort(key=by_score if sort == "score" else by_time, reverse=True)
    if as_json:
        for row in rows:
            of_row = [entry for entry in entries if entry.evaluation == row.stored.id]
            print_json({**evaluation_json(row), "entries": entries_json(of_row)})
        for entry in refused:
            print_json({"schema_version": SCHEMA_VERSION, **entry.to_json(), "summary": None})
        return
    shown = rows if show_all else rows[:NEWEST]
    out = stdout_console()
    if shown:
        out.print(evaluations_table(shown, out.width))
    copies = copies_lines(
        [
            (row.stored.submission, row.stored.id, row.summary.equal_evaluations)
            for row in shown
            if row.summary is not None
        ]
    )
    for line in (*evaluations_remarks(shown), *map(plain_text, (*copies, *refused_lines(refused)))):
        out.print(line)
    where = f"{shown_of(len(shown), len(rows))} in {store.absolute()}"
    details = "; for details: unlearn show EVALUATION" if shown else ""
    out.print(where + details, markup=False, soft_wrap=True)


def _rows(store: Path, evaluations: list[StoredEvaluation], challenge: str | None) -> list[ListedEvaluation]:
    selected = [stored for stored in evaluations if challenge is None or _is_on(stored, challenge)]
    if challenge is not None and not selected:
        names = ", ".join(sorted({stored.challenge for stored in evaluations})) or "none"
        raise ConfigurationError(
            f"No evaluation in {store.absolute()} is on challenge {challenge}; there are some on: {names}."
        )
    unfinished = [stored.id for stored in selected if stored.summary is None]
    return listed_evaluations(selected, read_progress(store, unfinished, time.time()))


def _is_on(stored: StoredEvaluation, challenge: str) -> bool:
    """Return whether an evaluation is on the challenge with this name, folder or beginning of its hash."""
    if challenge == stored.challenge:
        return True
    if len(challenge) >= 4 and stored.challenge_sha256.startswith(challenge):
        return True
    return stored.challenge_folder is not None and os.path.abspath(challenge) == str(stored.challenge_folder)  # noqa: PTH100 - resolve() follows links


def _evaluations(store: Path) -> tuple[list[StoredEvaluation], list[Entry]]:
    """Return the evaluations, each under the names of its entries, and the entries."""
    listed, entries = read_listing(store), read_entry_listing(store)
    if listed is None or entries is None:
        if not (store / DATABASE_FILE).is_file():
            raise ConfigurationError(no_store_sentence(store))
        # Imports SQLAlchemy, slower than all the rest.
        from runner.store.open_store import open_store  # noqa: PLC0415

        opened = open_store(store, create=False)
        listed, entries = opened.evaluations(), opened.entries()
    names = names_by_evaluation(entries)
    return [replace(stored, submission=names.get(stored.id, stored.submission)) for stored in listed], entries
