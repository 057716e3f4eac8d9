"""Open, read and write the store's database; every database error becomes one sentence.

SQLite has no checksums, so a value may have been changed. Rows are made into records inside a transaction: a
value that no record can hold is an error of the database too.

SQLite takes one writer at a time. A writing transaction takes the lock before it reads, so the rows that it
read cannot change before it writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from pydantic import ValidationError
from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from runner.errors import HostNotReadyError
from runner.sanitize import sanitize_line
from runner.store import schema as tables
from runner.store.sqlite import begin_transaction, use_write_ahead_log
from runner.validation import first_problem

_BUSY_SECONDS: Final = 30.0


class RowConflictError(HostNotReadyError):
    """A row breaks a key: another process has just added the same, or what it refers to is missing."""


class Database:
    """An open database. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, busy_seconds: float = _BUSY_SECONDS, writable: bool = True) -> None:
        """Open it and create missing tables and columns, unless it is read-only.

        A call waits up to ``busy_seconds`` for a lock that another process holds.

        Raises:
            HostNotReadyError: it cannot be opened or written, or is of a later version.
        """
        self._engine = create_engine(url)
        self._place = _place(self._engine.url)
        if self._engine.dialect.name == "sqlite":

            def prepare(connection: sqlite3.Connection, _record: object) -> None:
                connection.isolation_level = None  # transactions are begun below, not by the driver
                connection.execute(f"PRAGMA busy_timeout={round(busy_seconds * 1000)}")
                connection.execute("PRAGMA foreign_keys=ON")
                if writable:
                    use_write_ahead_log(connection, busy_seconds)

            event.listen(self._engine, "connect", prepare)
            event.listen(self._engine, "begin", begin_transaction)
        self._writer = self._engine.execution_options(writes=True)
        with ExitStack() as on_failure, database_errors(self._place):
            on_failure.callback(self.close)
            with self._engine.connect() as connection:
                complete = tables.is_current(connection)
            if not complete and not writable:
                raise HostNotReadyError(
                    "The store is of an earlier version and cannot be written; "
                    "open it once where it is writable, with: unlearn list"
                )
            if not complete:
                with self._writer.begin() as connection:
                    tables.add_missing(connection)
            on_failure.pop_all()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a transaction that reads.

        Raises:
            HostNotReadyError: the database cannot be used.
        """
        with database_errors(self._place), Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a transaction that writes; with SQLite, it is the only one that does.

        Raises:
            RowConflictError: a row that it adds exists, or one that it refers to does not.
            HostNotReadyError: the database cannot be used.
        """
        with database_errors(self._place), Session(self._writer) as session, session.begin():
            yield session

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


@contextmanager
def database_errors(place: str = "the store") -> Iterator[None]:
    """Turn errors of the database into HostNotReadyError, those of keys into RowConflictError.

    Args:
        place: What the database is called where a value in it is damaged.
    """
    try:
        yield
    except IntegrityError as error:
        raise RowConflictError(f"The store cannot be used: {str(error.orig).splitlines()[0]}.") from error
    except (SQLAlchemyError, OverflowError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise HostNotReadyError(f"The store cannot be used: {cause}.") from error
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        problem = first_problem(error) if isinstance(error, ValidationError) else str(error)
        raise HostNotReadyError(
            f"{place} has a damaged row ({sanitize_line(problem, 200)}); restore it from a backup."
        ) from error


def _place(url: URL) -> str:
    """Return the file of a database for messages; without one, what it is."""
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
