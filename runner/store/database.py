"""Open, read and write the store's database; every database error becomes one sentence.

SQLite has no checksums, so a value may have been changed. Rows are made into records inside a transaction: a
value that no record can hold is an error of the database too.

There is one writer at a time, on SQLite and on PostgreSQL: a writing transaction takes the lock before it
reads, so the rows that it read cannot change before it writes. On PostgreSQL, transactions that only publish
runs share that lock with each other: each locks the rows of the leases that it depends on.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from pydantic import ValidationError
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from runner.errors import HostNotReadyError, StoreLostError
from runner.sanitize import sanitize_line
from runner.store.databases.postgresql import (
    connected,
    reading_engine,
    server_engine,
    server_time,
    server_version,
)
from runner.store.databases.sqlite import copied_in_memory, prepare_connections
from runner.store.migrations.upgrade import is_current, upgrade
from runner.validation import first_problem

ALONE: Final = "alone"
SHARING: Final = "sharing"
"""Values of the execution option ``writes``: how a writing transaction holds the lock of writers."""
_BUSY_SECONDS: Final = 30.0
_LOST: Final = (OperationalError, InterfaceError)
"""Errors of a database that has ended, is locked or full; whatever was asked of it is not the cause."""


class RowConflictError(HostNotReadyError):
    """A row breaks a key: another process has just added the same, or what it refers to is missing."""


class Database:
    """An open database. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, busy_seconds: float = _BUSY_SECONDS, writable: bool = True) -> None:
        """Open it; create its tables, or upgrade those of an earlier version.

        One that is read-only is upgraded in memory, where it is of an earlier version. A call waits up to
        ``busy_seconds`` for a lock that another process holds.

        Raises:
            HostNotReadyError: it cannot be opened or written, or is of a later version.
        """
        address = _parsed(url)
        self.is_server = address.get_backend_name() == "postgresql"
        """Whether it is PostgreSQL."""
        self._place = _place(address)
        self._turn: AbstractContextManager[object] = nullcontext()
        self._writing_turn: AbstractContextManager[object] = nullcontext()
        self._restart_seconds = 0.0
        if self.is_server:
            self._engine = server_engine(address, busy_seconds)
            # The server is told, also where a command ends without `close`.
            weakref.finalize(self, _dispose, self._engine, os.getpid())
            # Threads that wait for the lock of the database would use up the connections.
            self._writing_turn = threading.RLock()
        else:
            self._engine = create_engine(address)
            prepare_connections(self._engine, busy_seconds, write_ahead_log=writable)
        with ExitStack() as on_failure, database_errors(self._place):
            on_failure.callback(self.close)
            with self._engine.connect() as connection:
                current = is_current(connection)
                self.description = _description(connection, address)
                """What it is, for people; without a password."""
            if not current and not writable:
                outdated, self._engine = self._engine, copied_in_memory(self._engine)
                outdated.dispose()
                # Threads share the connection of the copy, which has one transaction at a time.
                self._turn = threading.RLock()
            self._writer = self._engine.execution_options(writes=ALONE)
            self._sharing_writer = self._engine.execution_options(writes=SHARING)
            self._reader = reading_engine(self._engine) if self.is_server else self._engine
            if not current:
                with self._writer.begin() as connection:
                    upgrade(connection)
            on_failure.pop_all()
        if self.is_server:
            self._restart_seconds = busy_seconds  # it was reachable, so it is worth waiting for

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a transaction that reads.

        Raises:
            HostNotReadyError: the database cannot be used; StoreLostError where it does not answer.
        """
        with database_errors(self._place), self._turn, self._session(self._reader) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a transaction that writes: the only one that does, from its beginning.

        Raises:
            RowConflictError: a row that it adds exists, or one that it refers to does not.
            HostNotReadyError: the database cannot be used.
        """
        with (
            database_errors(self._place),
            self._turn,
            self._writing_turn,
            self._session(self._writer) as session,
        ):
            yield session

    @contextmanager
    def writing_rows(self, *, sharing: bool) -> Iterator[Connection]:
        """Yield a transaction that writes without objects of rows.

        Args:
            sharing: Whether others of this kind may write at the same time, where the database can do so. The
                transaction has to lock what it depends on; those of `writing` exclude it anyway.

        Raises:
            RowConflictError: a row that it adds exists, or one that it refers to does not.
            HostNotReadyError: the database cannot be used.
        """
        engine = self._sharing_writer if sharing else self._writer
        with (
            database_errors(self._place),
            self._turn,
            self._writing_turn,
            connected(engine.connect, self._restart_seconds) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        with (
            connected(engine.connect, self._restart_seconds) as connection,
            Session(connection) as session,
            session.begin(),
        ):
            session.connection()  # begins the transaction in the database, which takes the lock
            yield session

    def clock(self) -> float:
        """Return seconds since 1970 by the clock that all users of the database share.

        Raises:
            HostNotReadyError: the database cannot be used.
        """
        if not self.is_server:
            return time.time()
        with self.reading() as session:
            return server_time(session.connection())

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def database_errors(place: str = "the store") -> Iterator[None]:
    """Turn errors of the database into HostNotReadyError, of which those of keys and of its loss are kinds.

    Args:
        place: What the database is called where a value in it is damaged.
    """
    try:
        yield
    except IntegrityError as error:
        raise RowConflictError(f"The store cannot be used: {str(error.orig).splitlines()[0]}.") from error
    except (SQLAlchemyError, OverflowError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        is_lost = isinstance(error, _LOST) or getattr(error, "connection_invalidated", False)
        kind = StoreLostError if is_lost else HostNotReadyError
        raise kind(f"The store cannot be used: {cause}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else str(error)
        raise HostNotReadyError(
            f"{place} has a damaged row ({sanitize_line(problem, 200)}); restore it from a backup."
        ) from error


def _dispose(engine: Engine, process: int) -> None:
    """Close the connections of a process; a fork of it has the same sockets, and leaves them alone."""
    engine.dispose(close=os.getpid() == process)


def _parsed(url: str | URL) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise HostNotReadyError("The URL of the database cannot be read; check its form.") from error


def _description(connection: Connection, url: URL) -> str:
    if connection.dialect.name == "postgresql":
        return f"PostgreSQL {server_version(connection)}, {url.render_as_string(hide_password=True)}"
    return "SQLite"


def _place(url: URL) -> str:
    """Return the file of a database for messages; without one, what it is."""
    if url.get_backend_name() == "postgresql":
        return url.render_as_string(hide_password=True)
    file = url.database or ""
    return (
        unquote(file.removeprefix("file://").partition("?")[0])
        if file.startswith("file:")
        else file or "The store"
    )


def as_utc(moment: datetime) -> datetime:
    """Return a time with its zone, which SQLite does not store."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)
