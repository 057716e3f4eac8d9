"""A store is backed up while it is in use, and restored elsewhere: rows, files, and the numbers that follow."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from runner.challenge.limits import Limits
from runner.challenge.load import load_challenge
from runner.cli.main import run_words
from runner.store.competition.records import Act
from runner.store.databases.address import DATABASE_FILE, read_address, use_database
from runner.store.open_store import open_store
from tests.runner.conftest import ChallengeFolder
from tests.support.databases.fixtures import PrepareStore
from tests.support.databases.server import OWNER, Server
from tests.support.ended_evaluation import ending


def back_up(folder: Path, target: Path, server: Callable[[], Server]) -> None:
    """Copy the rows first: files that come later belong to no row, and are removed or written again."""
    address = read_address(folder)
    target.mkdir()
    if address is None:
        with (
            closing(sqlite3.connect(folder / DATABASE_FILE)) as source,
            closing(sqlite3.connect(target / "rows")) as copy,
        ):
            source.backup(copy)
    else:
        dump(
            server(), "pg_dump", "--format=custom", f"--file={target / 'rows'}", database_of(address.database)
        )
    shutil.copytree(folder, target / "files", ignore=shutil.ignore_patterns(f"{DATABASE_FILE}*"))


def restore(backup: Path, folder: Path, server: Callable[[], Server]) -> None:
    shutil.copytree(backup / "files", folder)
    if read_address(folder) is None:
        shutil.copy(backup / "rows", folder / DATABASE_FILE)
        return
    new = server().new_database()
    dump(server(), "pg_restore", "--exit-on-error", f"--dbname={new}", str(backup / "rows"))
    use_database(folder, server().url(new))


def dump(server: Server, program: str, *words: str) -> None:
    command = [str(server.binaries / program), f"--host={server.folder}", f"--username={OWNER}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def database_of(url: str) -> str:
    return url.split("/")[3].partition("?")[0]


def test_a_store_is_restored(
    prepare_store: PrepareStore,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Under another path and in another database: it is shown and verified, and more is recorded in it."""

    def server() -> Server:
        running: Server = request.getfixturevalue("postgresql")
        return running

    folder = prepare_store(tmp_path / "store")
    challenge = ChallengeFolder(tmp_path / "challenge").describe(Limits())
    act = Act(who="me", act="remark", subject="2026", reason="ε")
    with ending(folder, load_challenge(challenge)) as ended:  # the store is in use
        store, name = ended.store, ended.name
        store.add_act("2026", act)
        back_up(folder, tmp_path / "backup", server)
        store.add_act("2026", act)
        before = store.evaluation(name), store.runs(name), store.entries(), store.audit("2026")[:1]
    shutil.rmtree(folder)
    restored = tmp_path / "elsewhere" / "store"
    restore(tmp_path / "backup", restored, server)
    for words in (["show"], ["verify", "--challenge", str(challenge)]):
        run_words([*words, name, "--store", str(restored)])
        assert name in capsys.readouterr().out
    with closing(open_store(restored, create=False)) as store:
        assert (store.evaluation(name), store.runs(name), store.entries(), store.audit("2026")) == before
        store.add_act("2026", act)
        assert len(store.audit("2026")) == 2
