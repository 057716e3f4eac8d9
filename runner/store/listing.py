"""List the evaluations of a store's SQLite file, without SQLAlchemy.

Importing SQLAlchemy takes longer than everything else that ``unlearn list`` does. So a file that has exactly
the columns of this version is read with the standard library; any other file is left to
`runner.store.store.Store`, which upgrades it or reports why it cannot be used. A test compares the two.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from runner.store.stored_evaluation import StoredEvaluation, evaluation_from_row

DATABASE_FILE: Final = "store.sqlite"
_COLUMNS: Final = (
    *("id", "submission_sha256", "submission", "challenge", "challenge_sha256", "image", "n", "begun"),
    *("seconds", "summary", "manifest_sha256", "challenge_folder"),
)
TABLES: Final = {
    "submissions": {"sha256", "name", "archive_bytes", "added"},
    "evaluations": set(_COLUMNS),
    "attempts": {"evaluation", "number", "begun", "ended", "outcome"},
    "terms": {"evaluation", "machine", "terms"},
    "runs": {
        *("evaluation", "index", "seed", "attempt", "verdict", "detail", "host_seconds", "run_seconds"),
        *("checkpoint_sha256", "log_bytes_dropped", "exception_type", "ended", "evaluated", "outputs_sha256"),
    },
    "leases": {"evaluation", "token", "holder", "place", "beats", "expires"},
}
"""All columns of this version, as `runner.store.schema` declares them."""


def read_listing(folder: Path) -> list[StoredEvaluation] | None:
    """Return the evaluations of a store, the oldest first; None if only `Store` can read it."""
    file = folder / DATABASE_FILE
    if not file.is_file():
        return None
    # Not read-only: closing then also folds in the write-ahead log that a killed process left.
    uri = f"{file.absolute().as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=5.0)) as connection:
            if any(_columns(connection, table) != known for table, known in TABLES.items()):
                return None
            query = f"SELECT {', '.join(_COLUMNS)} FROM evaluations ORDER BY begun"  # noqa: S608 - constants
            return [
                evaluation_from_row(dict(zip(_COLUMNS, row, strict=True)))
                for row in connection.execute(query)
            ]
    except (sqlite3.Error, ValueError, TypeError, RecursionError):
        return None


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}
