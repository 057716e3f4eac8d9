"""The tables of PostgreSQL: made from nothing, upgraded with their rows, by one process of several."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from runner.errors import HostNotReadyError
from runner.store import migrations
from runner.store.database import Database
from runner.store.migrations import HEAD
from runner.store.open_store import open_store
from runner.store.schema import RunRow
from runner.store.store import Store
from tests.conformance.test_store import FIRST
from tests.support.databases.fixtures import REFUSALS, execute_in, preparing
from tests.support.databases.server import Server

ROWS = """
INSERT INTO submissions VALUES ('aa', 'mine', 1, '2026-01-01 00:00:00.25+00');
INSERT INTO evaluations VALUES ('0123456789ab', 'aa', 'mine', 'tiny', 'bb', 'cc', 2, '2026-01-01 01:00:00+01', 1.5,
    '{"score": 0.5}', 'ff', '/srv');
INSERT INTO runs VALUES ('0123456789ab', 0, 9223372036854775807, 1, 'ok', '', 1.0, 1.0, '{digest}', 0, NULL,
    '2026-01-01 00:00:00+00', true, '{digest}');
"""


@pytest.fixture
def empty(postgresql: Server) -> Iterator[str]:
    """Return the name of a database without tables."""
    name = postgresql.new_database()
    yield name
    postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_scripts_make_the_tables_that_the_code_declares(postgresql: Server, empty: str) -> None:
    """Alembic finds no difference of tables, columns, types, keys or indexes."""
    Database(postgresql.url(empty)).close()
    engine = create_engine(postgresql.url(empty))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, RunRow.metadata) == []
    engine.dispose()


def test_rows_of_the_first_version_are_kept(postgresql: Server, empty: str) -> None:
    """Through all later scripts, those included that make rows of others."""
    engine = create_engine(postgresql.url(empty))
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(ROWS.replace("{digest}", "d" * 64))
    engine.dispose()
    with closing(Store(postgresql.url(empty))) as store:
        (stored,) = store.evaluations()
        (run,) = store.runs(stored.id)
        (entry,) = store.entries()
        assert (stored.started_at.isoformat(), stored.summary) == (
            "2026-01-01T00:00:00+00:00",
            {"score": 0.5},
        )
        assert (run.seed, run.evaluated, run.outputs_sha256) == ((1 << 63) - 1, True, "d" * 64)
        assert (entry.name, entry.evaluation, entry.outcome) == ("mine", stored.id, "scored")
    assert postgresql.execute("SELECT version_num FROM alembic_version", empty) == [(HEAD,)]


def _opened(url: str) -> int:
    with closing(Database(url)) as database, database.reading() as session:
        return int(session.connection().exec_driver_sql("SELECT count(*) FROM alembic_version").scalar_one())


def test_processes_that_open_a_database_at_once_make_its_tables_once(postgresql: Server, empty: str) -> None:
    """Each of them can use it."""
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        assert list(pool.map(_opened, [postgresql.url(empty)] * 4)) == [1] * 4


def test_processes_that_open_a_folder_first_agree_on_its_identity(postgresql: Server, tmp_path: Path) -> None:
    """Whoever is first gives it; the folder has that of its database."""
    name = postgresql.prepare(tmp_path)
    with ProcessPoolExecutor(4, mp_context=multiprocessing.get_context("fork")) as pool:
        list(pool.map(_begun, [tmp_path] * 4))
    ((identity,),) = postgresql.execute("SELECT identity FROM identity", name)
    assert identity in (tmp_path / "store.toml").read_text()
    postgresql.release(name)


def _begun(folder: Path) -> None:
    with closing(open_store(folder, create=True)) as store:
        store.begin(FIRST)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("UPDATE alembic_version SET version_num = '9999'", "later version of unlearn"),
        ("DELETE FROM alembic_version", "damaged"),
    ],
)
def test_another_version_is_refused(
    tmp_path: Path, request: pytest.FixtureRequest, change: str, problem: str
) -> None:
    """In one sentence, and nothing is changed."""
    folder = preparing("postgresql", request)(tmp_path)
    open_store(folder, create=True).close()
    execute_in(folder, change)
    with pytest.raises(HostNotReadyError, match=problem):
        open_store(folder, create=True)
    execute_in(folder, f"DELETE FROM alembic_version; INSERT INTO alembic_version VALUES ('{HEAD}')")


@pytest.mark.parametrize("change", ["UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
def test_the_audit_only_grows(tmp_path: Path, request: pytest.FixtureRequest, change: str) -> None:
    """It is not emptied either, not even by the owner of the tables, nor while it has no rows."""
    folder = preparing("postgresql", request)(tmp_path)
    with pytest.raises(REFUSALS, match="only grows"):
        execute_in(folder, change)
