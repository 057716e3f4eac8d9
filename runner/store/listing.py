"""List the evaluations and entries of a store's SQLite file, without SQLAlchemy.

Importing SQLAlchemy takes longer than everything else that ``unlearn list`` does. So a file whose tables
are of this version is read with the standard library; any other file is left to
`runner.store.store.Store`, which upgrades it or reports why it cannot be used. A test compares the two.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from runner.errors import RunnerError
from runner.sanitize import sanitize_line
from runner.store.databases.address import ADDRESS_FILE
from runner.store.databases.address import DATABASE_FILE as DATABASE_FILE  # noqa: PLC0414 - callers name it with this
from runner.store.entries.listing import read_entries
from runner.store.entries.records import Entry
from runner.store.migrations import HEAD, VERSION_QUERY
from runner.store.stored_evaluation import StoredEvaluation, evaluation_from_row

_Item = TypeVar("_Item")
EVALUATION_COLUMNS: Final = (
    *("id", "submission_sha256", "submission", "challenge", "challenge_sha256", "image", "n", "begun"),
    *("seconds", "summary", "manifest_sha256", "challenge_folder", "parent"),
)


def read_listing(folder: Path) -> list[StoredEvaluation] | None:
    """Return the evaluations of a store, the oldest first; None if only `Store` can read it."""
    return _read(folder, _evaluations)


def read_entry_listing(folder: Path) -> list[Entry] | None:
    """Return the entries of a store, the oldest first; None if only `Store` can read it."""
    return _read(folder, read_entries)


def _read(folder: Path, read: Callable[[sqlite3.Connection], list[_Item]]) -> list[_Item] | None:
    file = folder / DATABASE_FILE
    if not file.is_file():
        return None
    # Not read-only: closing then also folds in the write-ahead log that a killed process left.
    uri = f"{file.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
            if connection.execute(VERSION_QUERY).fetchall() != [(HEAD,)]:
                return None
            return read(connection)
    except (sqlite3.Error, ValueError, TypeError, RecursionError):
        return None


def no_store_sentence(folder: Path) -> str:
    """Return the error where a folder is no store."""
    return f"There are no evaluations at {folder.absolute()}; name their folder with --store."


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an evaluation is that has no summary."""

    ended_runs: int
    """Runs that are published."""
    is_running: bool
    """A process holds its lease. One that was killed counts as running until the lease expires."""
    device: str = ""
    """On which it is running; empty where that is not known."""


def read_progress(folder: Path, evaluations: Collection[str], now: float) -> dict[str, Progress]:
    """Return how far evaluations are; none of them if the store cannot be read without `Store`.

    Args:
        folder: Of the store.
        evaluations: Their names.
        now: Seconds since the epoch, with which leases are compared; a database server has its own clock.
    """
    if not evaluations:
        return {}
    if (folder / ADDRESS_FILE).is_file():
        return _progress_on_server(folder, evaluations)
    uri = f"{(folder / DATABASE_FILE).absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
            ended = dict(connection.execute("SELECT evaluation, COUNT(*) FROM runs GROUP BY evaluation"))
            query = "SELECT evaluation FROM leases WHERE holder <> '' AND expires > ?"
            running = {row[0] for row in connection.execute(query, (now,))}
            query = "SELECT evaluation, device FROM attempts WHERE ended IS NULL AND device IS NOT NULL"
            devices = dict(connection.execute(f"{query} ORDER BY number"))  # killed ones have no end
    except sqlite3.Error:
        return {}
    return _progress(evaluations, ended, running, devices)


def _progress_on_server(folder: Path, evaluations: Collection[str]) -> dict[str, Progress]:
    from runner.store.open_store import open_store  # noqa: PLC0415 - imports SQLAlchemy

    try:
        with closing(open_store(folder, create=False)) as store:
            ended, running = store.numbers_of_runs(), store.held_leases()
            devices = store.devices_at_work(evaluations)
    except RunnerError:
        return {}
    return _progress(evaluations, ended, running, devices)


def _progress(
    evaluations: Collection[str], ended: dict[str, int], running: Collection[str], devices: dict[str, str]
) -> dict[str, Progress]:
    return {
        name: Progress(
            ended_runs=ended.get(name, 0),
            is_running=name in running,
            device=sanitize_line(str(devices.get(name, "")), 100),
        )
        for name in evaluations
    }


def _evaluations(connection: sqlite3.Connection) -> list[StoredEvaluation]:
    columns = ", ".join(EVALUATION_COLUMNS)
    query = f"SELECT {columns} FROM evaluations WHERE parent IS NULL ORDER BY begun, id"  # noqa: S608 - constants
    return [
        evaluation_from_row(dict(zip(EVALUATION_COLUMNS, row, strict=True)))
        for row in connection.execute(query)
    ]
