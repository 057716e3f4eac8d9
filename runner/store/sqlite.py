"""TODO runner.store.sqlite."""

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
        HostNotReadyError: it can only be read, and its last words are not in it yet.
    """
    if not file.exists() or (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return URL.create("sqlite", database=str(file)), True
    log = file.with_name(f"{file.name}-wal")
    if log.exists() and log.stat().st_size:
        raise HostNotReadyError(
            f"{file} cannot be written and was not closed; open it once where it can, with: unlearn list"
        )
    place = file.absolute().as_uri() + "?mode=ro&immutable=1"
    return URL.create("sqlite", database=place, query={"uri": "true"}), False


def use_write_ahead_log(connection: sqlite3.Connection, patience_seconds: float) -> None:
    """Have a write-ahead log. The busy timeout does not hold for this one step."""
    deadline = time.monotonic() + patience_seconds
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
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
