"""SQLite: its URL, its write-ahead log, and one writer at a time."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection

from runner.errors import HostNotReadyError

_PAUSE_SECONDS: Final = 0.01


def sqlite_url(file: Path) -> tuple[URL, bool]:
    """Return the URL of a file and whether it can be written.

    Raises:
        HostNotReadyError: it is read-only, and its write-ahead log still holds changes.
    """
    if not file.exists() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return URL.create("sqlite", database=str(file)), True
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise HostNotReadyError(
            f"{file} cannot be written and was not closed properly; "
            "open it once where it is writable, with: unlearn list"
        )
    uri = file.absolute().as_uri() + "?mode=ro&immutable=1"
    return URL.create("sqlite", database=uri, query={"uri": "true"}), False


def use_write_ahead_log(connection: sqlite3.Connection, busy_seconds: float) -> None:
    """Turn the write-ahead log on. The busy timeout does not cover this statement, so wait here."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def begin_transaction(connection: Connection) -> None:
    """Begin a transaction; one that writes takes the lock first."""
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
