"""SQLite: its URL, its write-ahead log, one writer at a time, and a copy in memory."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.pool import StaticPool

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


def prepare_connections(engine: Engine, busy_seconds: float, *, write_ahead_log: bool) -> None:
    """Prepare every connection that ``engine`` opens.

    Args:
        engine: Of a SQLite file, or of a database in memory.
        busy_seconds: How long a statement waits for the lock of another process.
        write_ahead_log: Whether to turn the write-ahead log on, which writes to the file.
    """

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        connection.execute(f"PRAGMA busy_timeout={round(busy_seconds * 1000)}")
        connection.execute("PRAGMA foreign_keys=ON")
        if write_ahead_log:
            use_write_ahead_log(connection, busy_seconds)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_transaction)


def copied_in_memory(engine: Engine) -> Engine:
    """Return a writable database in memory with the content of a file that cannot be written."""
    memory = sqlite3.connect(":memory:", check_same_thread=False)
    with engine.connect() as connection:
        file = connection.connection.driver_connection
        assert isinstance(file, sqlite3.Connection), "SQLAlchemy's driver for SQLite is Python's own"
        file.backup(memory)
    copy = create_engine("sqlite://", creator=lambda: memory, poolclass=StaticPool)
    prepare_connections(copy, 0.0, write_ahead_log=False)
    return copy


def _begin_transaction(connection: Connection) -> None:
    """Begin a transaction; one that writes takes the lock first."""
    writes = connection.get_execution_options().get("writes") is not None
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
