"""A store of any earlier version is opened; one that cannot be opened is reported in one sentence."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from runner.errors import HostNotReadyError
from runner.store.database import Database, RowConflictError
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.schema import RunRow

DIGEST = "d" * 64
FIRST_VERSION = """
CREATE TABLE submissions (sha256 VARCHAR NOT NULL PRIMARY KEY, name VARCHAR NOT NULL, archive_bytes BIGINT NOT NULL,
    added DATETIME NOT NULL);
CREATE TABLE evaluations (id VARCHAR NOT NULL PRIMARY KEY, submission_sha256 VARCHAR NOT NULL, submission VARCHAR
    NOT NULL, challenge VARCHAR NOT NULL, challenge_sha256 VARCHAR NOT NULL, image VARCHAR NOT NULL, n INTEGER NOT
    NULL, begun DATETIME NOT NULL, seconds FLOAT NOT NULL, summary VARCHAR,
    FOREIGN KEY(submission_sha256) REFERENCES submissions (sha256));
CREATE TABLE attempts (evaluation VARCHAR NOT NULL, number INTEGER NOT NULL, begun DATETIME NOT NULL, ended DATETIME,
    outcome VARCHAR, PRIMARY KEY (evaluation, number), FOREIGN KEY(evaluation) REFERENCES evaluations (id));
CREATE TABLE runs (evaluation VARCHAR NOT NULL, "index" INTEGER NOT NULL, seed BIGINT NOT NULL, attempt INTEGER NOT
    NULL, verdict VARCHAR NOT NULL, detail VARCHAR NOT NULL, host_seconds FLOAT NOT NULL, run_seconds FLOAT NOT NULL,
    checkpoint_sha256 VARCHAR NOT NULL, log_bytes_dropped BIGINT NOT NULL, ended DATETIME NOT NULL, evaluated BOOLEAN
    NOT NULL, PRIMARY KEY (evaluation, "index"), FOREIGN KEY(evaluation) REFERENCES evaluations (id));
INSERT INTO submissions VALUES ('aa', 'mine', 1, '2026-01-01 00:00:00.000000');
INSERT INTO evaluations VALUES ('0123456789ab', 'aa', 'mine', 'tiny', 'bb', 'cc', 2, '2026-01-01 00:00:00.000000', 1.5,
    NULL);
INSERT INTO runs VALUES ('0123456789ab', 0, 7, 1, 'ok', '', 1.0, 1.0, '{digest}', 0, '2026-01-01 00:00:00.000000', 1);
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the folder of a store that the first version created."""
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.executescript(FIRST_VERSION.replace("{digest}", DIGEST))
    return tmp_path


def test_a_store_of_the_first_version_is_upgraded(old: Path) -> None:
    """Its runs are preserved and can be updated; opening it a second time changes nothing."""
    for _ in range(2):
        with closing(open_store(old, create=False)) as store:
            (run,) = store.runs("0123456789ab")
            assert (run.seed, run.evaluated, run.checkpoint_sha256) == (7, True, DIGEST)
    with closing(open_store(old, create=True)) as store:
        store.mark_evaluated("0123456789ab", 0, outputs_sha256="e" * 64)
        assert store.runs("0123456789ab")[0].outputs_sha256 == "e" * 64
        assert store.evaluation("0123456789ab").manifest_sha256 is None
        assert store.evaluation("0123456789ab").challenge_folder is None


def test_a_database_that_stays_locked_is_one_sentence(old: Path) -> None:
    """It is reported after the requested wait; once the lock is released, writing works."""
    with (
        closing(Database(f"sqlite:///{old / DATABASE_FILE}", busy_seconds=0.05)) as mine,
        closing(sqlite3.connect(old / DATABASE_FILE)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(HostNotReadyError, match="database is locked"), mine.writing() as session:
            session.scalars(select(RunRow)).all()
        other.rollback()
        with mine.writing() as session:
            assert session.scalars(select(RunRow)).all()


def test_rows_read_by_a_writer_do_not_change_before_it_writes(old: Path) -> None:
    """Another writer waits until the transaction ends, even if that has only read so far."""
    with (
        closing(Database(f"sqlite:///{old / DATABASE_FILE}")) as mine,
        closing(sqlite3.connect(old / DATABASE_FILE, timeout=0.05)) as other,
        mine.writing() as session,
    ):
        assert session.scalars(select(RunRow)).all()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("DELETE FROM runs")


def test_a_row_that_exists_is_a_conflict(old: Path) -> None:
    """Whoever adds a row can tell that another process was first from a database that cannot be used."""
    with closing(open_store(old, create=True)) as store:
        (run,) = store.runs("0123456789ab")
        with pytest.raises(RowConflictError, match="UNIQUE"), store.database.writing() as session:
            session.add(
                RunRow(
                    **{name: getattr(run, name) for name in ("index", "seed", "attempt", "detail")},
                    evaluation="0123456789ab",
                    verdict="ok",
                    host_seconds=1.0,
                    run_seconds=1.0,
                    checkpoint_sha256="",
                    log_bytes_dropped=0,
                    ended=datetime(2026, 1, 1, tzinfo=UTC),
                    evaluated=False,
                )
            )
        assert store.runs("0123456789ab") == [run]
