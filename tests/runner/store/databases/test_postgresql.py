"""What is special to PostgreSQL: one writer, a clock of its own, restarts, texts that it refuses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import URL, select

from runner.errors import HostNotReadyError, StoreLostError
from runner.store.database import Database, RowConflictError
from runner.store.entries.records import NewEntry
from runner.store.lease import Lease
from runner.store.open_store import open_store
from runner.store.schema import LeaseRow, SubmissionRow
from runner.store.store import Store
from tests.conformance.test_store import FIRST, ID
from tests.support.databases.fixtures import execute_in, preparing
from tests.support.databases.server import Server, running_server
from tests.support.records import run_record


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    return preparing("postgresql", request)(tmp_path)


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    with closing(open_store(folder, create=True)) as opened:
        opened.begin(FIRST)
        yield opened


def test_it_is_used_as_an_ordinary_user(store: Store, folder: Path) -> None:
    """Who may do nothing but what the owner of a database may; its text is in the order of a language."""
    assert execute_in(folder, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]
    assert execute_in(folder, "SELECT 'a' < 'B', 'Z' < 'a'") == [(True, False)]
    assert store.database.description.startswith("PostgreSQL 1")


def test_names_are_in_the_order_of_sqlite(store: Store) -> None:
    """Whatever the database's own is."""
    for name in ("beta", "Zeta", "alpha", "über", "_1"):
        store.add_team("2026", name, token_sha256=None, who="me")
    assert [team.name for team in store.teams("2026")] == ["Zeta", "_1", "alpha", "beta", "über"]


def test_a_text_with_nul_is_stored_without_it(store: Store) -> None:
    """PostgreSQL has no such text; what is unusual and possible stays as it is."""
    assert store.publish(ID, run_record(index=0, detail="a\0b"))
    assert store.publish(ID, run_record(index=1, detail="\x01 ￿ 🙂 \\x00"))
    assert [run.detail for run in store.runs(ID)] == ["a�b", "\x01 ￿ 🙂 \\x00"]
    entry = NewEntry(
        name="a\0",
        path="b\0",
        folder=None,
        content_sha256=None,
        challenge="c",
        challenge_sha256="d",
        n=1,
        evaluation=None,
    )
    for command in ("first", "second"):
        store.record_entries(command, [entry])
    assert [(each.name, each.path, each.command) for each in store.entries()] == [("a�", "b�", "first")]


def test_a_writer_waits_for_the_other_from_its_beginning(store: Store, folder: Path) -> None:
    """What a transaction has read does not change before it ends, even of rows that are not there yet."""
    with closing(open_store(folder, create=True)) as other, ThreadPoolExecutor(1) as pool:
        with store.database.writing() as session:
            assert session.scalars(select(SubmissionRow.name)).all() == [FIRST.submission]
            added = pool.submit(other.add_seconds, ID, 1.0)
            with pytest.raises(TimeoutError):
                added.result(timeout=0.2)
            assert other.evaluation(ID).seconds == 0.0  # a reader does not wait
            session.connection().exec_driver_sql("UPDATE evaluations SET seconds = 2")
        assert added.result(timeout=30) == 3.0
    assert store.evaluation(ID).seconds == 3.0


def test_a_reader_sees_one_state(store: Store, folder: Path) -> None:
    """What is written meanwhile it sees afterwards; and it writes nothing."""
    with closing(open_store(folder, create=True)) as other:
        with store.database.reading() as session:
            assert session.connection().exec_driver_sql("SELECT count(*) FROM runs").scalar() == 0
            other.publish(ID, run_record(index=0))
            assert session.connection().exec_driver_sql("SELECT count(*) FROM runs").scalar() == 0
        assert len(store.runs(ID)) == 1
    with pytest.raises(HostNotReadyError, match="read-only"), store.database.reading() as session:
        session.connection().exec_driver_sql("DELETE FROM runs")


def test_a_lock_that_is_held_too_long_is_one_sentence(folder: Path, store: Store, postgresql: Server) -> None:
    """After the requested wait; writing works once it is free."""
    with store.database.reading() as session:
        name = str(session.connection().exec_driver_sql("SELECT current_database()").scalar())
    with closing(Database(postgresql.url(name), busy_seconds=0.1)) as mine:
        with (
            store.database.writing(),
            pytest.raises(HostNotReadyError, match="lock timeout"),
            mine.writing(),
        ):
            pass
        with mine.writing() as session:
            assert session.scalars(select(SubmissionRow.name)).all()


def test_a_row_that_exists_is_a_conflict(store: Store) -> None:
    """As with SQLite."""
    values = {
        "sha256": "f" * 64,
        "name": "mine",
        "archive_bytes": 1,
        "added": store.evaluation(ID).started_at,
    }
    for expected in (None, "unique"):
        if expected is None:
            with store.database.writing() as session:
                session.add(SubmissionRow(**values))
            continue
        with pytest.raises(RowConflictError, match=expected), store.database.writing() as session:
            session.add(SubmissionRow(**values))


def test_leases_are_of_the_clock_of_the_server(store: Store) -> None:
    """Which every machine shares; a transaction that takes long does not stop it."""
    with Lease(store.database, ID, holder="me", place="here"), store.database.reading() as session:
        expires = session.scalars(select(LeaseRow.expires)).one()
        (now,) = session.connection().exec_driver_sql("SELECT extract(epoch FROM clock_timestamp())").one()
        assert 0 < expires - float(now) <= 120
        first = store.database.clock()
        time.sleep(0.01)
        assert store.database.clock() >= first + 0.01


def test_counts_that_are_too_large_are_an_error(store: Store) -> None:
    """As with SQLite: a value that no column holds changes nothing."""
    for changes in ({"log_bytes_dropped": 1 << 70}, {"attempt": 1 << 40}):
        with pytest.raises(HostNotReadyError) as caught:
            store.publish(ID, run_record(index=0, **changes))
        assert not isinstance(caught.value, StoreLostError), "the value is the cause"
    assert store.runs(ID) == []


def test_a_server_that_restarts_is_waited_for(postgresql_of_its_own: Server, tmp_path: Path) -> None:
    """A transaction that was open is an error of the host; the next one finds the server again."""
    server = postgresql_of_its_own
    server.prepare(tmp_path)
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(FIRST)

        def write_twice() -> None:
            with store.database.writing() as session:
                session.connection().exec_driver_sql("UPDATE evaluations SET seconds = 2")
                server.stop("immediate")
                session.connection().exec_driver_sql("UPDATE evaluations SET seconds = 3")

        with pytest.raises(StoreLostError, match="cannot be used"):
            write_twice()
        with ThreadPoolExecutor(1) as pool:
            stored = pool.submit(store.evaluation, ID)
            with pytest.raises(TimeoutError):
                stored.result(timeout=0.1)
            server.start()
            assert stored.result(timeout=30).seconds == 0.0
        assert store.publish(ID, run_record(index=0))
        server.stop()
        store.database._restart_seconds = 0.3
        with pytest.raises(StoreLostError, match="cannot be used") as caught:
            store.runs(ID)
        assert "\n" not in str(caught.value)
    server.start()


@pytest.fixture(scope="module")
def postgresql_of_its_own(postgresql: Server) -> Iterator[Server]:
    """Return a server that a test may stop."""
    with running_server(postgresql.binaries) as server:
        yield server


def test_a_suspended_writer_loses_its_lock(store: Store, folder: Path) -> None:
    """The server ends a transaction in which nothing happens, so that one process cannot stop all others."""

    def suspend_while(publish: Callable[[], bool]) -> None:
        with store.database.writing() as session:
            (limit,) = session.connection().exec_driver_sql("SHOW idle_in_transaction_session_timeout").one()
            assert limit == "1min"
            session.connection().exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = '50ms'")
            assert publish()  # waits for the lock
            session.connection().exec_driver_sql("DELETE FROM runs")

    with (
        closing(open_store(folder, create=True)) as other,
        pytest.raises(HostNotReadyError, match="cannot be used"),
    ):
        suspend_while(lambda: other.publish(ID, run_record(index=0)))
    assert len(store.runs(ID)) == 1


def test_without_its_driver_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is optional."""
    monkeypatch.setattr("runner.store.databases.postgresql.find_spec", lambda _name: None)
    with pytest.raises(HostNotReadyError, match=r"pip install 'unlearn\[postgres\]'"):
        Database("postgresql+psycopg://me@localhost/mine")


def test_no_message_has_a_password(postgresql: Server) -> None:
    """Not even where a program of somebody else's opens the database with one."""
    name = postgresql.new_store()
    url = URL.create(
        "postgresql+psycopg", "unlearn", "geheim", database=name, query={"host": str(postgresql.folder)}
    )
    with closing(Database(url)) as database:
        assert "geheim" not in database.description
        for statement in ("SELECT nothing", "SELECT 1/0"):
            with pytest.raises(HostNotReadyError) as caught, database.reading() as session:
                session.connection().exec_driver_sql(statement)
            assert "geheim" not in str(caught.value)
    with pytest.raises(HostNotReadyError) as caught:
        Database(url.set(database="nothing"))
    assert "geheim" not in str(caught.value)
    postgresql.release(name)
