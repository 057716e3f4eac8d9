"""Read the entries of a store's SQLite file without SQLAlchemy, for `runner.store.listing`."""

from __future__ import annotations

import sqlite3

from runner.store.entries.records import COLUMNS, Entry, entry_from_row


def read_entries(connection: sqlite3.Connection) -> list[Entry]:
    """Return all entries of a store of this version, the oldest first.

    Raises:
        sqlite3.Error: they cannot be read.
        ValueError: a value is damaged.
        TypeError: the same.
    """
    query = f"SELECT {', '.join(COLUMNS)} FROM entries ORDER BY id"  # noqa: S608 - constants
    return [entry_from_row(dict(zip(COLUMNS, row, strict=True))) for row in connection.execute(query)]
