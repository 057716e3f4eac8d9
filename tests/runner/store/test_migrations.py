"""A store of any earlier version is upgraded with its rows, at once or not at all."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from runner.errors import HostNotReadyError
from runner.store import migrations
from runner.store.database import Database
from runner.store.listing import DATABASE_FILE, read_listing
from runner.store.migrations import HEAD
from runner.store.open_store import open_store
from runner.store.schema import RunRow
from tests.support.command import command_environment
from tests.support.paths import ROOT, TEST_DATA

VERSION_14 = (TEST_DATA / "store-version-14.sql").read_text()
BEFORE = (TEST_DATA / "store-before-migrations.sql").read_text()
TABLES = ("submissions", "evaluations", "attempts", "terms", "runs", "leases")
OPEN = "from pathlib import Path; import sys; from runner.store.open_store import open_store\n"
STOPPED = """
import os, signal
from runner.store import database
def upgrade_and_stop(connection):
    original(connection)
    print("upgraded", flush=True)
    signal.pause()
original, database.upgrade = database.upgrade, upgrade_and_stop
"""


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return the folder of a store of the last version without migrations: every table has rows."""
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.executescript(BEFORE)
    return tmp_path


def rows(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of all tables, without what is not known of them (NULL), as in columns of later versions."""
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            name: [
                {column: row[column] for column in row.keys() if row[column] is not None}  # noqa: SIM118 - no dictionary
                for row in connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2")
            ]
            for name in TABLES
        }


def version(folder: Path) -> str | None:
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection:
        try:
            return str(connection.execute(migrations.VERSION_QUERY).fetchone()[0])
        except sqlite3.OperationalError:
            return None


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        cwd=ROOT,
        env=command_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_scripts_end_at_the_version_of_the_code() -> None:
    """In one line, without branches."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    directory = ScriptDirectory.from_config(config)
    assert directory.get_heads() == [HEAD]
    assert [script.revision for script in directory.walk_revisions()] == [
        f"{number:04d}" for number in range(int(HEAD), 0, -1)
    ]


@pytest.mark.parametrize("begun", ["new", "old"])
def test_the_scripts_make_the_tables_that_the_code_declares(tmp_path: Path, begun: str) -> None:
    """Alembic finds no difference of tables, columns, types, keys or indexes."""
    if begun == "old":
        with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
            connection.executescript(BEFORE)
    open_store(tmp_path, create=True).close()
    engine = create_engine(f"sqlite:///{tmp_path / DATABASE_FILE}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, RunRow.metadata) == []
    engine.dispose()


def test_an_upgrade_keeps_every_row(old: Path) -> None:
    """And what the quick listing could not read, it reads afterwards."""
    before = rows(old)
    assert all(before.values())
    assert read_listing(old) is None
    with closing(open_store(old, create=False)) as store:
        evaluations = store.evaluations()
        assert [run.exception_type for run in store.runs("2123456789ab")] == ["", "Boom"]
    assert (version(old), rows(old)) == (HEAD, before)
    assert read_listing(old) == evaluations


def test_it_is_not_known_where_earlier_runs_were_executed(tmp_path: Path) -> None:
    """The runs of a store of version 14 stay as they are; a later one has its machine beside them."""
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection:
        connection.executescript(VERSION_14)
    assert version(tmp_path) == "0014"
    with closing(open_store(tmp_path, create=False)) as store:
        before = store.runs("0123456789ab")
        assert [(run.verdict, run.attempt, run.exception_type) for run in before] == [
            ("ok", 1, ""),
            ("crashed", 1, "Boom"),
        ]
        assert {(run.node, run.device_class) for run in before} == {("", "")}
        assert [attempt.device for attempt in store.attempts("0123456789ab")] == ["cpu 1/2"]
        later = replace(before[0], index=2, node="b (10.0.0.2)", device_class="cpu")
        store.publish("0123456789ab", later)
        assert store.runs("0123456789ab") == [*before, later]
    assert version(tmp_path) == HEAD


def test_evaluations_of_an_earlier_store_have_an_entry_each(old: Path) -> None:
    """With the submission's name, when it began, and what came of it; nothing is known of a path."""
    with closing(open_store(old, create=False)) as store:
        entries = store.entries()
        assert [(entry.name, entry.evaluation, entry.outcome) for entry in entries] == [
            ("mine [bold] ε", "0123456789ab", "scored"),
            ("mine [bold] ε", "1123456789ab", None),
            ("it's", "2123456789ab", "failed"),
        ]
        assert [entry.received for entry in entries] == [
            evaluation.started_at for evaluation in store.evaluations()
        ]
        assert {(entry.path, entry.folder, entry.command, entry.team) for entry in entries} == {
            (None, None, "", None)
        }


@pytest.mark.parametrize("summary", ["nonsense", "[]", "[" * 100_000, "{}"])
def test_a_damaged_summary_does_not_stop_an_upgrade(old: Path, summary: str) -> None:
    """It is reported by the commands that read it."""
    with closing(sqlite3.connect(old / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE evaluations SET summary = ?", (summary,))
    with closing(open_store(old, create=False)) as store:
        expected = "failed" if summary == "{}" else None
        assert {entry.outcome for entry in store.entries()} == {expected}


def test_a_later_version_is_refused(old: Path) -> None:
    """Whether it is written or only read; the file is closed and unchanged."""
    open_store(old, create=True).close()
    with closing(sqlite3.connect(old / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = rows(old)
    assert read_listing(old) is None
    for writable in (True, False):
        with pytest.raises(HostNotReadyError, match="later version of unlearn"):
            Database(f"sqlite:///{old / DATABASE_FILE}", writable=writable)
    open_files = [file.readlink() for file in Path("/proc/self/fd").iterdir() if file.is_symlink()]
    assert not [file for file in open_files if file.is_relative_to(old)], "a refused store is closed"
    assert (version(old), rows(old)) == ("9999", before)


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM alembic_version",
        "INSERT INTO alembic_version VALUES ('0001')",
        *(f"UPDATE alembic_version SET version_num = '{value}'" for value in ("", "0000", "1", "000", "²")),
        *(f"UPDATE alembic_version SET version_num = '{value}'" for value in ("00001", "-001", "9" * 5000)),
    ],
)
def test_a_damaged_version_is_one_sentence(old: Path, damage: str) -> None:
    """It is neither upgraded nor read: a version that never was, or two of them."""
    open_store(old, create=True).close()
    with closing(sqlite3.connect(old / DATABASE_FILE)) as connection, connection:
        connection.execute(damage)
    assert read_listing(old) is None
    with pytest.raises(HostNotReadyError, match="damaged"):
        open_store(old, create=True)


def test_an_old_store_that_cannot_be_written_is_read(old: Path) -> None:
    """It is upgraded in memory, and its file stays as it is."""
    file = old / DATABASE_FILE
    before = file.read_bytes()
    url = f"sqlite:///file:{file}?mode=ro&immutable=1&uri=true"
    with closing(Database(url, writable=False)) as database, database.reading() as session:
        assert len(session.query(RunRow).all()) == 6
    assert file.read_bytes() == before
    assert [path.name for path in old.iterdir()] == [DATABASE_FILE]


@pytest.mark.parametrize("first", ["reading", "writing"])
@pytest.mark.parametrize("second", ["reading", "writing"])
def test_threads_share_an_old_store_that_cannot_be_written(old: Path, first: str, second: str) -> None:
    """Its copy in memory has one connection, so that one transaction follows the other."""
    url = f"sqlite:///file:{old / DATABASE_FILE}?mode=ro&immutable=1&uri=true"
    with closing(Database(url, writable=False)) as database, ThreadPoolExecutor(1) as pool:

        def count() -> int:
            with getattr(database, second)() as session:
                return len(session.query(RunRow).all())

        with getattr(database, first)() as session:
            session.query(RunRow).all()
            answer = pool.submit(count)
            with pytest.raises(TimeoutError):
                answer.result(timeout=0.1)
        assert answer.result(timeout=30) == 6


def test_a_killed_upgrade_changes_nothing(old: Path) -> None:
    """The next command does it again from the start."""
    before = rows(old)
    process = start(STOPPED + OPEN + "open_store(Path(sys.argv[1]), create=True)", old)
    assert process.stdout is not None
    assert process.stdout.readline() == "upgraded\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (version(old), rows(old)) == (None, before)
    open_store(old, create=True).close()
    assert (version(old), rows(old)) == (HEAD, before)


def test_processes_that_open_a_store_at_once_upgrade_it_once(old: Path) -> None:
    """Each of them can use it."""
    code = OPEN + "print(len(open_store(Path(sys.argv[1]), create=True).evaluations()))"
    processes = [start(code, old) for _ in range(3)]
    assert [process.communicate(timeout=50)[0] for process in processes] == ["3\n"] * 3
    assert version(old) == HEAD


def test_the_list_of_a_current_store_imports_neither_alembic_nor_sqlalchemy(old: Path) -> None:
    """A store that needs an upgrade gets it, and the next command is quick."""
    code = (
        "import sys; from pathlib import Path; from runner.cli.list import list_command\n"
        "list_command(Path(sys.argv[1]), as_json=True)\n"
        "print({'alembic', 'sqlalchemy'} & set(sys.modules))"
    )
    answers = []
    for _ in range(2):
        out, _ = start(code, old).communicate(timeout=50)
        answers.append(out.splitlines()[-1])
    assert answers[0] != "set()"
    assert answers[1] == "set()"
