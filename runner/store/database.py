"""Open, read and write the store's database; every database error becomes one sentence.

SQLite has no checksums, so a value may have been changed. Rows are made into records inside a transaction: a
value that no record can hold is an error of the database too.

SQLite takes one writer at a time. A writing transaction takes the lock before it reads, so the rows that it
read cannot change before it writes.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote

from pydantic import ValidationError
from sqlalchemy import URL, create_engine
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from runner.errors import HostNotReadyError
from runner.sanitize import sanitize_line
from runner.store.migrations.upgrade import is_current, upgrade
from runner.store.sqlite import copied_in_memory, prepare_connections
from runner.validation import first_problem

_BUSY_SECONDS: Final = 30.0


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
        self._engine = create_engine(url)
        self._place = _place(self._engine.url)
        self._turn: AbstractContextManager[object] = nullcontext()
        if self._engine.dialect.name == "sqlite":
            prepare_connections(self._engine, busy_seconds, write_ahead_log=writable)
        with ExitStack() as on_failure, database_errors(self._place):
            on_failure.callback(self.close)
            with self._engine.connect() as connection:
                current = is_current(connection)
            if not current and not writable:
                outdated, self._engine = self._engine, copied_in_memory(self._engine)
                outdated.dispose()
                # Threads share the connection of the copy, which has one transaction at a time.
                self._turn = threading.RLock()
            self._writer = self._engine.execution_options(writes=True)
            if not current:
                with self._writer.begin() as connection:
                    upgrade(connection)
            on_failure.pop_all()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a transaction that reads.

        Raises:
            HostNotReadyError: the database cannot be used.
        """
        with database_errors(self._place), self._turn, Session(self._engine) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a transaction that writes; with SQLite, it is the only one that does.

        Raises:
            RowConflictError: a row that it adds exists, or one that it refers to does not.
            HostNotReadyError: the database cannot be used.
        """
        with database_errors(self._place), self._turn, Session(self._writer) as session, session.begin():
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
