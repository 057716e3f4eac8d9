"""Give the folder of a store another database for its rows.

The rows are copied and compared before the folder names their new place, and what they were moved from is
marked last. A kill in between leaves the old place in use, or both, which every command refuses to use until
one of them is moved away; both have the same rows then.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.pool import StaticPool

from runner.errors import BusyError, ConfigurationError, HostNotReadyError
from runner.store.database import Database, database_errors
from runner.store.databases.address import (
    ADDRESS_FILE,
    DATABASE_FILE,
    StoreAddress,
    checked_url,
    read_address,
    write_address,
)
from runner.store.databases.sqlite import sqlite_url
from runner.store.migrations import MOVED
from runner.store.moving.rows import copy_rows
from runner.store.open_store import open_store
from runner.store.schema import IdentityRow

SQLITE: Final = "sqlite"
"""Names the file in the folder of a store, where a database is asked for."""
_LOCK_SECONDS: Final = 5
_IDENTITY_BYTES: Final = 16
_MARK: Final = text("UPDATE alembic_version SET version_num = :version")
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usesysid IS NOT NULL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The rows of a store have another place."""

    database: str
    """What it is now, for people."""
    counts: dict[str, int]
    """Rows by table."""
    old_place: str
    """Where they were, for people: it is kept, and of no use."""


def move_store(folder: Path, to: str) -> Moved:
    """Move the rows of a store.

    Args:
        folder: Of the store.
        to: `SQLITE`, or the URL of an empty PostgreSQL database.

    Raises:
        ConfigurationError: there is no store, it is there already, or the database is not empty.
        BusyError: another process uses the store.
        HostNotReadyError: a database cannot be used.
    """
    is_on_server = read_address(folder) is not None
    open_store(folder, create=False).close()  # its tables are of this version then
    if to == SQLITE:
        if not is_on_server:
            raise ConfigurationError(f"{folder} has its rows in {DATABASE_FILE} already.")
        return _to_sqlite(folder)
    url = checked_url(to)
    if is_on_server:
        raise ConfigurationError(
            f"{folder} has its rows in PostgreSQL already; pg_dump and pg_restore move them on."
        )
    return _to_server(folder, url)


def _to_server(folder: Path, url: str) -> Moved:
    file = folder / DATABASE_FILE
    retired = _unused(file.with_name(f"{DATABASE_FILE}.moved"))
    address = StoreAddress(database=url, identity=secrets.token_hex(_IDENTITY_BYTES))
    with _alone(file) as source, closing(Database(url)) as target:
        with target.writing() as session:
            counts = copy_rows(source, session.connection())
            session.add(IdentityRow(identity=address.identity))
        source.execute(_MARK, {"version": MOVED})
        write_address(folder, address)
    file.rename(retired)
    return Moved(database=target.description, counts=counts, old_place=str(retired))


@contextmanager
def _alone(file: Path) -> Iterator[Connection]:
    """Yield a transaction on a file of SQLite that no other process has open, nor can use until the end.

    Raises:
        BusyError: another process has it open.
    """
    _url, writable = sqlite_url(file)
    if not writable:
        raise HostNotReadyError(f"{file} cannot be written.")
    raw = sqlite3.connect(file, timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False)
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN EXCLUSIVE"))
    with closing(raw), database_errors(str(file)):
        try:
            # The lock stays until the file is closed; without the write-ahead log nobody else has it open.
            raw.execute("PRAGMA locking_mode=EXCLUSIVE")
            (mode,) = raw.execute("PRAGMA journal_mode=DELETE").fetchone()
            raw.execute("BEGIN EXCLUSIVE")
            raw.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise HostNotReadyError(f"{file} cannot be used: {error}.") from error
            mode = "wal"
        if mode != "delete":
            raise BusyError(
                f"Another process uses {file}; end the commands and the web service that do, and repeat this."
            )
        with engine.begin() as connection:
            yield connection


def _to_sqlite(folder: Path) -> Moved:
    file, address_file = folder / DATABASE_FILE, folder / ADDRESS_FILE
    new, retired = file.with_name(f".{DATABASE_FILE}.new"), _unused(folder / f"{ADDRESS_FILE}.moved")
    for leftover in folder.glob(f"{new.name}*"):
        leftover.unlink()
    with (
        closing(open_store(folder, create=False)) as store,
        store.database.writing() as session,
        database_errors(store.database.description),
    ):
        source = session.connection()
        _require_no_other(source)
        with closing(Database(sqlite_url(new)[0])) as target, target.writing() as writing:
            counts = copy_rows(source, writing.connection())
        _require_no_other(source)
        source.execute(_MARK, {"version": MOVED})
        new.replace(file)
        address_file.rename(retired)
    return Moved(database="SQLite", counts=counts, old_place=f"{store.database.description}, {retired}")


def _require_no_other(source: Connection) -> None:
    """Require that this process alone is connected to a database.

    Raises:
        BusyError: others are.
    """
    source.execute(text("SELECT pg_stat_clear_snapshot()"))
    if source.scalar(_OTHERS):
        raise BusyError(
            "Other processes are connected to the database of the store; end the commands and the web "
            "service that are, and repeat this."
        )


def _unused(path: Path) -> Path:
    """Return a path at which nothing is.

    Raises:
        ConfigurationError: something is.
    """
    if path.exists():
        raise ConfigurationError(f"{path} is there from an earlier move; remove it, or put it elsewhere.")
    return path
