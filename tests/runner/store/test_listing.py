"""The quick listing does to a store what opening it does: no more, and no less."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import HostNotReadyError
from runner.store.listing import DATABASE_FILE, EVALUATION_COLUMNS, read_listing
from runner.store.open_store import open_store
from runner.store.schema import EvaluationRow
from tests.support.ended_evaluation import IMAGE, N
from tests.support.records import evaluation_record

RECORD = evaluation_record(challenge="tiny", image=IMAGE.digest, n=N)


def test_the_listed_columns_are_those_of_the_schema() -> None:
    """A new column is added in both places."""
    assert set(EvaluationRow.__table__.columns.keys()) == set(EVALUATION_COLUMNS)


def test_listing_folds_in_the_log_of_a_killed_process(tmp_path: Path) -> None:
    """The advice for a store on read-only media is ``unlearn list``; afterwards it can be read there."""
    with closing(open_store(tmp_path / "open", create=True)) as store:
        store.begin(RECORD)
        shutil.copytree(tmp_path / "open", tmp_path / "killed")
    log = tmp_path / "killed" / f"{DATABASE_FILE}-wal"
    assert log.stat().st_size
    listing = read_listing(tmp_path / "killed")
    assert listing is not None
    assert [stored.id for stored in listing] == [RECORD.id]
    assert not log.exists()


@pytest.mark.parametrize("statement", ["DROP TABLE evaluations", "DROP TABLE alembic_version"])
def test_a_store_that_lacks_something_is_left_to_the_store(tmp_path: Path, statement: str) -> None:
    """The quick listing reports no errors of its own."""
    open_store(tmp_path, create=True).close()
    assert read_listing(tmp_path) == []
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute(statement)
    assert read_listing(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        "n = 'many'",
        "submission = x'00'",
        "seconds = 'long'",
        "begun = '2026-99-01'",
        "begun = 7",
        "summary = '[1]'",
        "summary = 'no json'",
        "challenge_folder = x'00'",
    ],
)
def test_a_value_of_another_type_is_left_to_the_store(tmp_path: Path, change: str) -> None:
    """SQLite stores any type in any column; the store names the damage."""
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(RECORD)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute(f"UPDATE evaluations SET {change}")
    assert read_listing(tmp_path) is None
    with closing(open_store(tmp_path, create=False)) as store, pytest.raises(HostNotReadyError):
        store.evaluations()
