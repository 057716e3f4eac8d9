"""The databases that a store may have its rows in, for tests that hold of each of them.

A test that takes `prepare_store` runs once on each. PostgreSQL is Debian's; where it is not installed, its tests
are skipped and listed, and `make test` installs it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import psycopg
import pytest
from sqlalchemy import create_engine, func, insert, select, text

from runner.store.databases.address import ADDRESS_FILE, DATABASE_FILE, read_address
from runner.store.schema import IdentityRow, RunRow
from tests.support.databases.server import Server, binaries, running_server

SQLITE: Final = "sqlite"
POSTGRESQL: Final = "postgresql"
DATABASES: Final = (SQLITE, POSTGRESQL)
REFUSALS: Final = (sqlite3.IntegrityError, psycopg.Error)
"""What `execute_in` raises where the database refuses a statement."""
PrepareStore = Callable[[Path], Path]
"""Makes a folder one whose store is in some database, and returns it."""


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """Return a running server, one for all tests of a process."""
    folder = binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not installed; `make postgresql` installs Debian's")
    with running_server(folder) as server:
        yield server


def preparing(database: str, request: pytest.FixtureRequest) -> PrepareStore:
    """Return what prepares folders for a database."""
    if database == SQLITE:
        return lambda folder: folder
    server: Server = request.getfixturevalue("postgresql")

    def prepare(folder: Path) -> Path:
        name = server.prepare(folder)
        request.addfinalizer(lambda: server.release(name))
        return folder

    return prepare


@pytest.fixture(params=DATABASES)
def prepare_store(request: pytest.FixtureRequest) -> PrepareStore:
    """Return what prepares folders, for one database after the other."""
    return preparing(request.param, request)


def execute_in(folder: Path, statement: str) -> list[Any]:
    """Execute a statement in the database of a store as another program would, and return its rows."""
    address = read_address(folder)
    if address is None:
        with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection, connection:
            return connection.execute(statement).fetchall()
    url = address.database.replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(url) as server_connection:
        cursor = server_connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description is not None else []


def move_rows(folder: Path, server: Server) -> str:
    """Move the rows of a store from SQLite to PostgreSQL, and return its database; the file is deleted."""
    name = server.new_store()
    engine, target = (
        create_engine(f"sqlite:///{folder / DATABASE_FILE}"),
        create_engine(server.url(name)),
    )
    with engine.connect() as source, target.begin() as destination:
        for table in RunRow.metadata.sorted_tables:
            if rows := [row._asdict() for row in source.execute(select(table))]:
                destination.execute(insert(table), rows)
            if rows and table.columns.get("id") is not None and table.columns["id"].type.python_type is int:
                largest = destination.scalar(select(func.max(table.columns["id"])))
                sequence = text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {largest})")
                destination.execute(sequence)
        destination.execute(IdentityRow.__table__.delete())  # type: ignore[attr-defined]
    engine.dispose()
    target.dispose()
    for file in folder.glob(f"{DATABASE_FILE}*"):
        file.unlink()
    assert not (folder / ADDRESS_FILE).exists()
    server.adopt(folder, name)
    return name
