"""`unlearn list`: the evaluations of a store. It imports little, because it is typed often."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.cli.console import print_json, print_note, stdout_console
from runner.cli.options import DEFAULT_STORE, JsonOption, StoreOption
from runner.errors import ConfigurationError
from runner.files import read_stored_file
from runner.reports.cells import plain_text
from runner.reports.entries import (
    copies_lines,
    entries_json,
    names_by_evaluation,
    refused_json,
    refused_lines,
)
from runner.reports.evaluations import (
    by_score,
    by_time,
    evaluation_json,
    evaluations_remarks,
    evaluations_table,
    listed_evaluations,
    shown_of,
)
from runner.reports.failures import follow_up
from runner.results.continuing import how_to_continue
from runner.store.databases.address import has_rows
from runner.store.entries.records import Entry, Outcome
from runner.store.listing import no_store_sentence, read_entry_listing, read_listing, read_progress
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
    refused = [entry for entry in entries if entry.outcome is Outcome.REFUSED]
    if challenge is not None:
        evaluations, refused = on_challenge(store, evaluations, refused, challenge)
    unfinished = [stored.id for stored in evaluations if stored.summary is None]
    progress = read_progress(store, unfinished, time.time())
    rows = listed_evaluations(evaluations, progress, names_by_evaluation(entries))
    rows.sort(key=by_score if sort == "score" else by_time, reverse=True)
    if as_json:
        for row in rows:
            of_row = [entry for entry in entries if entry.evaluation == row.stored.id]
            print_json({**evaluation_json(row), "entries": entries_json(of_row)})
        for entry in refused:
            print_json(refused_json(entry))
        return
    shown = rows if show_all else rows[:NEWEST]
    out = stdout_console()
    if shown:
        out.print(evaluations_table(shown, out.width))
    copies = copies_lines(
        [(row.name, row.stored.id, row.summary.equal_evaluations) for row in shown if row.summary is not None]
    )
    remarks = evaluations_remarks(shown, lambda stored: how_to_continue(stored, entries, store))
    for line in (*remarks, *map(plain_text, (*copies, *refused_lines(refused)))):
        out.print(line, soft_wrap=True)
    where = f"{shown_of(len(shown), len(rows))} in {store.absolute()}"
    details = f"; for details: {follow_up('show', shown[0].stored.id, store)}" if shown else ""
    out.print(where + details, markup=False, soft_wrap=True)


def on_challenge(
    store: Path, evaluations: list[StoredEvaluation], refused: list[Entry], challenge: str
) -> tuple[list[StoredEvaluation], list[Entry]]:
    """Return the evaluations and refused entries on a challenge: its name, folder or beginning of its hash.

    An evaluation knows in which folder its challenge was. An entry does not: it is on the challenge that is
    in the folder now, or on that of an evaluation which knows the folder.

    Raises:
        ConfigurationError: none is on it.
    """
    folder = os.path.abspath(challenge)  # noqa: PTH100 - resolve() follows links
    on_it = [
        stored
        for stored in evaluations
        if _is_called(challenge, stored.challenge, stored.challenge_sha256)
        or (stored.challenge_folder is not None and folder == str(stored.challenge_folder))
    ]
    hashes = {_folder_sha256(folder), *(stored.challenge_sha256 for stored in on_it)}
    refused_on_it = [
        entry
        for entry in refused
        if _is_called(challenge, entry.challenge, entry.challenge_sha256) or entry.challenge_sha256 in hashes
    ]
    if not on_it and not refused_on_it:
        names = {*(stored.challenge for stored in evaluations), *(entry.challenge for entry in refused)}
        raise ConfigurationError(
            f"No evaluation in {store.absolute()} is on challenge {challenge}; "
            f"there are some on: {', '.join(sorted(names)) or 'none'}."
        )
    return on_it, refused_on_it


def _folder_sha256(folder: str) -> str | None:
    """Return the hash of the challenge in a folder, as `load_challenge` does; None without one."""
    try:
        text = read_stored_file(
            Path(folder, DESCRIPTION_FILE), max_bytes=DESCRIPTION_BYTES, free_bytes=lambda: DESCRIPTION_BYTES
        )
    except OSError:
        return None
    return hashlib.sha256(text).hexdigest()


def _is_called(challenge: str, name: str, sha256: str) -> bool:
    return challenge == name or (len(challenge) >= 4 and sha256.startswith(challenge))


def _evaluations(store: Path) -> tuple[list[StoredEvaluation], list[Entry]]:
    """Return the evaluations and the entries of a store."""
    listed, entries = read_listing(store), read_entry_listing(store)
    if listed is None or entries is None:
        if not has_rows(store):
            raise ConfigurationError(no_store_sentence(store))
        # Imports SQLAlchemy, slower than all the rest.
        from runner.store.open_store import open_store  # noqa: PLC0415

        opened = open_store(store, create=False)
        listed, entries = opened.evaluations(), opened.entries()
    return listed, entries
