"""How the store's database is opened, read and written; whatever goes wrong there is one sentence.

SQLite takes one writer at a time and is told so before it reads: what a transaction has looked
at cannot change before it writes.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from runner import tables
from runner.errors import HostNotReadyError

_PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.01


class Database:
    """An open database. Safe to use from several threads."""

    def __init__(
        self, url: str | URL, *, patience_seconds: float = _PATIENCE_SECONDS, writable: bool = True
    ) -> None:
        """Open it and make what is missing, unless it is only to be read.

        Another process may keep it locked for ``patience_seconds``.

        Raises:
            HostNotReadyError: it cannot be opened or written, or is of a later version.
        """
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":

            def prepare(connection: sqlite3.Connection, _record: object) -> None:
                connection.isolation_level = None  # transactions are begun below, not by the driver
                connection.execute(f"PRAGMA busy_timeout={round(patience_seconds * 1000)}")
                connection.execute("PRAGMA foreign_keys=ON")
                if writable:
                    _use_log(connection, patience_seconds)

            event.listen(self._engine, "connect", prepare)
            event.listen(self._engine, "begin", _begin)
        self._writer = self._engine.execution_options(writes=True)
        with ExitStack() as on_failure, translated():
            on_failure.callback(self.close)
            with self._engine.connect() as connection:
                complete = tables.is_complete(connection)
            if not complete and not writable:
                raise HostNotReadyError(
                    "The store is of an earlier version and cannot be written; "
                    "open it once where it can, with: unlearn list"
                )
            if not complete:
                with self._writer.begin() as connection:
                    tables.complete(connection)
            on_failure.pop_all()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a transaction that reads.

        Raises:
            HostNotReadyError: the database cannot be used.
        """
        with translated(), Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Give a transaction that writes, and that nobody else's writing can come between.

        Raises:
            HostNotReadyError: the database cannot be used.
        """
        with translated(), Session(self._writer) as session, session.begin():
            yield session

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()


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


def _use_log(connection: sqlite3.Connection, patience_seconds: float) -> None:
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


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def translated() -> Iterator[None]:
    """Turn what a database complains of into our error."""
    try:
        yield
    except (SQLAlchemyError, OverflowError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise HostNotReadyError(f"The store cannot be used: {cause}.") from error
