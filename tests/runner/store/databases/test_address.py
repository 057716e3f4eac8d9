"""Which database has a store's rows: named once, without a password, and never that of another store."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runner.cli.main import run_words
from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.databases.address import (
    ADDRESS_FILE,
    DATABASE_FILE,
    StoreAddress,
    checked_url,
    is_url,
    read_address,
    use_database,
    write_address,
)
from runner.store.listing import read_progress
from runner.store.open_store import open_store
from tests.conformance.test_store import FIRST, ID
from tests.support.databases.server import Server
from tests.support.records import run_record

URL = "postgresql+psycopg://me@localhost/contest"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        "postgresql+psycopg://@/contest?host=/run/postgresql",
        "postgresql+psycopg://me@[::1]:5433/contest?sslmode=verify-full",
        "postgresql+psycopg:///contest?service=mine",
    ],
)
def test_urls_of_postgresql_are_taken(tmp_path: Path, url: str) -> None:
    """As SQLAlchemy has them, or without the driver; what is written is read back."""
    assert checked_url(url) == checked_url(url.replace("+psycopg", "")) == url
    write_address(tmp_path / "new", StoreAddress(database=url, identity="0" * 32))
    assert read_address(tmp_path / "new") == StoreAddress(database=url, identity="0" * 32)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mysql://me@localhost/contest", "database of mysql"),
        ("sqlite:///store.sqlite", "database of sqlite"),
        ("postgresql+asyncpg://localhost/contest", "database of postgresql"),
        ("postgresql://me:geheim@localhost/contest", "must not hold a password"),
        ("postgresql://me:@localhost/contest", "must not hold a password"),
        ("postgresql://me@localhost/contest?password=geheim", "must not hold a password"),
        ("postgresql://me@localhost/contest?sslpassword=geheim", "must not hold a password"),
        ("postgresql://me@localhost", "names none"),
        ("postgresql://me@localhost/?host=/run", "names none"),
        ("postgresql://me@[::1/contest", "cannot be read"),
    ],
)
def test_other_urls_are_refused(tmp_path: Path, url: str, problem: str) -> None:
    """In one sentence, without what may be a password; nothing is written."""
    assert is_url(url)
    with pytest.raises(ConfigurationError, match=problem) as caught:
        use_database(tmp_path / "files", url)
    assert "geheim" not in str(caught.value)
    assert not (tmp_path / "files").exists()


@pytest.mark.parametrize("folder", ["evaluations", "/srv/store", "a:b", "C:/x", "./postgresql:/x", "1://x"])
def test_folders_are_no_urls(folder: str) -> None:
    """Whatever characters they have."""
    assert not is_url(folder)


@pytest.mark.parametrize(
    "text",
    [
        "database = 1",
        "identity = 'x'",
        f"database = '{URL}'\nother = 1",
        f"database = '{URL}'\nidentity = 'x'",
        "database = 'mysql://x/y'",
        "nonsense",
        "\0",
        pytest.param("a = " + "[" * 20_000, id="deep"),
    ],
)
def test_a_damaged_file_is_one_sentence(tmp_path: Path, text: str) -> None:
    """Nothing is opened, and the file stays as it is."""
    (tmp_path / ADDRESS_FILE).write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        open_store(tmp_path, create=True)
    assert "\n" not in str(caught.value)
    assert (tmp_path / ADDRESS_FILE).read_text() == text


@pytest.mark.parametrize("size", [64 << 10, 3 << 30])
def test_a_file_that_is_too_large_is_one_sentence(tmp_path: Path, size: int) -> None:
    """It is measured before it is read, so it needs no memory."""
    with (tmp_path / ADDRESS_FILE).open("wb") as file:
        file.truncate(size + 1)
    with pytest.raises(ConfigurationError, match=r"store\.toml is larger than 64 KiB"):
        read_address(tmp_path)


def test_a_folder_has_one_database(tmp_path: Path) -> None:
    """One that has its rows in SQLite is not given another, and both at once are not opened."""
    open_store(tmp_path, create=True).close()
    with pytest.raises(ConfigurationError, match=r"has its rows in store\.sqlite"):
        use_database(tmp_path, URL)
    write_address(tmp_path, StoreAddress(database=URL))
    with pytest.raises(ConfigurationError, match="has both"):
        open_store(tmp_path, create=False)


def test_files_and_rows_of_different_stores_are_refused(postgresql: Server, tmp_path: Path) -> None:
    """A folder without the identity of a store in use, or with that of another; both are left as they are."""
    mine, other = tmp_path / "mine", tmp_path / "other"
    names = [postgresql.prepare(folder) for folder in (mine, other)]
    for folder in (mine, other):
        with closing(open_store(folder, create=True)) as store:
            store.begin(FIRST)
    use_database(tmp_path / "empty", postgresql.url(names[0]))
    with pytest.raises(ConfigurationError, match="name their folder with --files"):
        open_store(tmp_path / "empty", create=True)
    use_database(mine, postgresql.url(names[1]))
    with pytest.raises(ConfigurationError, match="is not the folder of PostgreSQL"):
        open_store(mine, create=True)
    emptied = postgresql.new_store()
    use_database(mine, postgresql.url(emptied))
    with pytest.raises(ConfigurationError, match="is not the folder of PostgreSQL"):
        open_store(mine, create=True)
    use_database(mine, postgresql.url(names[0]))
    with closing(open_store(mine, create=False)) as store:
        assert [stored.id for stored in store.evaluations()] == [ID]
    for name in (*names, emptied):
        postgresql.release(name)


def test_a_moved_store_is_the_same(postgresql: Server, tmp_path: Path) -> None:
    """Its folder and its database may have other names."""
    name = postgresql.prepare(tmp_path / "files")
    open_store(tmp_path / "files", create=True).close()
    moved = postgresql.new_database(name)
    shutil.move(tmp_path / "files", tmp_path / "moved")
    use_database(tmp_path / "moved", postgresql.url(moved))
    open_store(tmp_path / "moved", create=False).close()
    address = read_address(tmp_path / "moved")
    assert address is not None
    assert (address.database, address.identity is not None) == (postgresql.url(moved), True)
    postgresql.release(name)


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    for name in ("UNLEARN_STORE", "UNLEARN_FILES"):
        monkeypatch.delenv(name, raising=False)

    def run(*words: object) -> str:
        run_words([str(word) for word in words])
        return capsys.readouterr().out

    return run


def test_commands_take_a_database_and_its_folder(
    postgresql: Server, tmp_path: Path, commands: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As options or as variables; from then on the folder is enough."""
    name, files = postgresql.new_store(), tmp_path / "files"
    url = postgresql.url(name)
    words = ("list", "--json", "--store")
    assert commands(*words, url, "--files", files) == ""
    with closing(open_store(files, create=False)) as store:
        store.begin(FIRST)
        store.publish(ID, run_record(index=0))
        assert read_progress(files, [ID], now=0.0)[ID].ended_runs == 1
    answers = [commands(*words, files), commands("list", "--json", f"--files={files}", "--store", url)]
    monkeypatch.setenv("UNLEARN_STORE", url)
    monkeypatch.setenv("UNLEARN_FILES", str(files))
    answers.append(commands("list", "--json"))
    assert [json.loads(answer)["evaluation"] for answer in answers] == [ID] * 3
    assert not (files / DATABASE_FILE).exists()
    with pytest.raises(ConfigurationError, match="no evaluations at"):  # the variable belongs to a database
        commands("list", "--store", tmp_path / "elsewhere")
    postgresql.release(name)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("--store", URL), "--files DIR"),
        (("--store", "here", "--files", "there"), "--files goes with a database"),
        (("--files", "there"), "--files goes with a database"),
        (("--store", "mysql://x/y", "--files", "there"), "mysql"),
    ],
)
def test_a_database_and_a_folder_go_together(
    commands: Callable[..., str], words: tuple[str, ...], problem: str
) -> None:
    """One without the other is wrong usage."""
    with pytest.raises(ConfigurationError, match=problem):
        commands("list", *words)


def test_a_database_that_does_not_answer_is_one_sentence(tmp_path: Path) -> None:
    """The host is not ready; it is not waited for, because it may never have been there."""
    use_database(tmp_path, f"postgresql+psycopg://me@/contest?host={tmp_path}")
    with pytest.raises(HostNotReadyError, match=r"cannot be used: .*No such file") as caught:
        open_store(tmp_path, create=True)
    assert "\n" not in str(caught.value)
