"""The rows of a store move to another database whole, or stay where they are."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import BigInteger, Column, Table, delete, insert, select

from runner.cli.main import run_words
from runner.errors import BusyError, ConfigurationError, HostNotReadyError
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database, as_utc
from runner.store.databases.address import ADDRESS_FILE, DATABASE_FILE, is_url, read_address
from runner.store.entries.records import NewEntry
from runner.store.moving.move import SQLITE, move_store
from runner.store.open_store import open_store
from runner.store.schema import EntryRow, IdentityRow, StoredText
from tests.support.databases.server import Server

TABLES: Final[list[Table]] = [
    table for table in CompetitionEntryRow.metadata.sorted_tables if table.name != IdentityRow.__tablename__
]
_ROWS: Final = 3
_TEXT: Final = "nul \0, line\nend, é 🎈, 'quote'"


def made_up(column: Column[Any], number: int) -> object:
    """Return a value of a column for one of three rows; keys of all tables fit together."""
    if column.nullable and not column.foreign_keys and number == _ROWS:
        return None
    kind: type = str if isinstance(column.type, StoredText) else column.type.python_type
    is_key = column.primary_key or column.foreign_keys or column.unique or column.name == "team"
    if kind is str:
        return f"k{number}" if is_key or column.name == "competition" else f"{_TEXT} {number}"
    if kind is bool:
        return number == 1
    if kind is int:
        return (1 << 62) + number if isinstance(column.type, BigInteger) and not is_key else number
    if kind is float:
        return 0.1 * number
    assert kind is datetime
    return datetime(2026, 12, 1, tzinfo=UTC) + timedelta(microseconds=number)


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return a store in SQLite in which each table has three rows, and the last entry was removed."""
    folder = tmp_path / "store"
    with closing(open_store(folder, create=True)) as store, store.database.writing() as session:
        for table in TABLES:
            rows = [{each.name: made_up(each, number) for each in table.columns} for number in (1, 2, 3)]
            session.execute(insert(table), rows)
        session.execute(delete(EntryRow).where(EntryRow.id == _ROWS))
    return folder


@pytest.fixture
def empty(postgresql: Server) -> str:
    """Return the URL of an empty database."""
    return postgresql.url(postgresql.new_database())


def rows(folder: Path) -> dict[str, list[str]]:
    """Return the rows of all tables as the store reads them."""

    def plain(value: object) -> object:
        return as_utc(value) if isinstance(value, datetime) else value

    with closing(open_store(folder, create=False)) as store, store.database.reading() as session:
        return {
            table.name: sorted(
                repr([plain(value) for value in row]) for row in session.execute(select(table))
            )
            for table in TABLES
        }


def add_entry(folder: Path) -> int:
    """Return the number of a new entry."""
    new = NewEntry(
        name="a", path=None, folder=None, content_sha256=None,
        challenge="c", challenge_sha256="d", n=1, evaluation=None,
    )  # fmt: skip
    with closing(open_store(folder, create=False)) as store:
        return store.record_entries("run", [new])[0].id


def test_rows_move_there_and_back(filled: Path, empty: str) -> None:
    """Each table has the same rows in both; only a NUL, which PostgreSQL takes nowhere, becomes another character."""
    before = rows(filled)
    assert all(before.values())
    moved = move_store(filled, empty)
    assert moved.database.startswith("PostgreSQL")
    assert moved.counts == {table.name: len(before[table.name]) for table in TABLES}
    address = read_address(filled)
    assert address is not None
    assert address.database == empty
    there = {
        name: [row.replace(r"\x00", "\N{REPLACEMENT CHARACTER}") for row in each]
        for name, each in before.items()
    }
    assert rows(filled) == there
    assert not (filled / DATABASE_FILE).exists()
    back = move_store(filled, SQLITE)
    assert (back.database, back.counts) == ("SQLite", moved.counts)
    assert read_address(filled) is None
    assert rows(filled) == there
    assert sorted(file.name for file in filled.iterdir()) == [
        DATABASE_FILE, f"{DATABASE_FILE}.moved", f"{ADDRESS_FILE}.moved"
    ]  # fmt: skip


def test_numbers_are_given_away_once(filled: Path, empty: str) -> None:
    """Not even that of a row that was removed before the move is given to another."""
    move_store(filled, empty)
    assert add_entry(filled) == _ROWS + 1
    with closing(open_store(filled, create=False)) as store, store.database.writing() as session:
        session.execute(delete(EntryRow).where(EntryRow.id > _ROWS))
    move_store(filled, SQLITE)
    assert add_entry(filled) == _ROWS + 2


def test_what_the_rows_were_moved_from_is_of_no_use(filled: Path, empty: str, tmp_path: Path) -> None:
    """Neither the kept file nor the database: what was written there would be lost."""
    move_store(filled, empty)
    other = tmp_path / "other"
    other.mkdir()
    (filled / f"{DATABASE_FILE}.moved").rename(other / DATABASE_FILE)
    with pytest.raises(HostNotReadyError, match="were moved to another database"):
        open_store(other, create=False)
    move_store(filled, SQLITE)
    with pytest.raises(HostNotReadyError, match="were moved to another database"):
        Database(empty)


def test_a_store_in_use_is_not_moved(filled: Path, empty: str) -> None:
    """Another process would go on writing to the old place: it has to end first, on both databases."""
    for target in (empty, SQLITE):
        before = rows(filled)
        with (
            closing(open_store(filled, create=False)) as other,
            other.database.reading(),
            pytest.raises(BusyError, match="repeat this"),
        ):
            move_store(filled, target)
        assert rows(filled) == before
        assert add_entry(filled)
        move_store(filled, target)


def test_a_database_with_rows_is_refused(filled: Path, postgresql: Server, tmp_path: Path) -> None:
    """Also one that belongs to another folder and has nothing else; the store is as before."""
    name = postgresql.new_database()
    other = tmp_path / "other"
    postgresql.adopt(other, name)
    open_store(other, create=True).close()
    before = rows(filled)
    with pytest.raises(ConfigurationError, match="name an empty database"):
        move_store(filled, postgresql.url(name))
    assert rows(filled) == before
    assert read_address(filled) is None


def test_a_damaged_row_stops_the_move(filled: Path, empty: str) -> None:
    """Nothing is in the other database then, and the store is as before."""
    with closing(sqlite3.connect(filled / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE runs SET attempt = 'x' WHERE seed = (SELECT max(seed) FROM runs)")
    with pytest.raises(HostNotReadyError):
        move_store(filled, empty)
    assert (filled / DATABASE_FILE).is_file()
    assert read_address(filled) is None
    with closing(Database(empty)) as database, database.reading() as session:
        assert all(session.execute(select(table)).all() == [] for table in TABLES)


def test_places_that_make_no_sense(filled: Path, empty: str, tmp_path: Path) -> None:
    """The one where the rows are, another kind of database, and a folder without a store."""
    with pytest.raises(ConfigurationError, match="already"):
        move_store(filled, SQLITE)
    with pytest.raises(ConfigurationError, match="cannot be in a database of mysql"):
        move_store(filled, "mysql://me@here/there")
    with pytest.raises(ConfigurationError, match="no evaluations"):
        move_store(tmp_path / "none", empty)
    move_store(filled, empty)
    with pytest.raises(ConfigurationError, match="already"):
        move_store(filled, empty)


def test_the_command(filled: Path, empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says where the rows are, how many, and what was kept; `--store` is enough on the way back too."""
    total = sum(map(len, rows(filled).values()))
    run_words(["store", "move", empty, "--store", str(filled)])
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{total} rows of {filled} are in PostgreSQL")
    assert f"{DATABASE_FILE}.moved" in printed.err
    run_words(["store", "move", SQLITE, "--store", empty, "--files", str(filled), "--json"])
    answer = json.loads(capsys.readouterr().out)
    assert (answer["database"], sum(answer["rows"].values())) == ("SQLite", total)
    assert is_url(empty)
