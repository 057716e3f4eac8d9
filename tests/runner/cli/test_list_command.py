"""`unlearn list`: the newest 20, one challenge, the best first, and where it looked."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from runner.cli.list import list_command
from runner.errors import ConfigurationError
from runner.store.listing import DATABASE_FILE, read_progress
from runner.store.open_store import open_store
from tests.support.records import evaluation_record, summary_of


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store with 30 evaluations: the even ones on challenge `a`, the odd ones on `b`."""
    folder = tmp_path / "store"
    with closing(open_store(folder, create=True)) as opened:
        for at in range(30):
            name = f"{at:012x}"
            opened.begin(
                evaluation_record(
                    id=name,
                    submission=f"mine{at}",
                    challenge="ab"[at % 2],
                    challenge_sha256="ab"[at % 2] * 64,
                    n=64,
                    challenge_folder=str(tmp_path / "folders" / "ab"[at % 2]),
                )
            )
            opened.finish(
                name, summary_of(evaluation=name, submission=f"mine{at}", n=64, score=at / 100).to_json()
            )
    with closing(sqlite3.connect(folder / DATABASE_FILE)) as connection, connection:
        for at in range(30):  # the 30th is the oldest
            connection.execute(
                "UPDATE evaluations SET begun = ? WHERE id = ?",
                (f"2026-01-{30 - at:02d} 10:00:00", f"{at:012x}"),
            )
    return folder


def listed(capsys: pytest.CaptureFixture[str], store: Path, **options: Any) -> str:
    capsys.readouterr()
    list_command(store=store, **options)
    return capsys.readouterr().out


def names(text: str) -> list[str]:
    return [word for line in text.splitlines() for word in line.split() if word.startswith("mine")]


def test_the_newest_20_by_default(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The last line says how many there are, how to see them, and the absolute folder."""
    text = listed(capsys, store)
    assert names(text) == [f"mine{at}" for at in range(20)]
    assert f"20 of 30 evaluations (--all shows all) in {store}; for details: unlearn show" in text
    assert names(listed(capsys, store, show_all=True)) == [f"mine{at}" for at in range(30)]


def test_sorted_by_score(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The best 20 of all, not the best of the newest."""
    assert names(listed(capsys, store, sort="score")) == [f"mine{at}" for at in range(29, 9, -1)]


@pytest.mark.parametrize("challenge", ["b", "bbbb", "folders/b", "./folders/../folders/b/"])
def test_one_challenge(
    store: Path, challenge: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its name, the beginning of its hash, or its folder."""
    monkeypatch.chdir(store.parent)
    assert names(listed(capsys, store, challenge=challenge)) == [f"mine{at}" for at in range(1, 30, 2)]


def test_an_unknown_challenge_names_those_that_there_are(store: Path) -> None:
    """A typo is not an empty table."""
    with pytest.raises(ConfigurationError, match="there are some on: a, b"):
        list_command(store=store, challenge="c")


def test_json_has_all_of_them(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of the table: a program must not lose rows."""
    rows = [json.loads(line) for line in listed(capsys, store, as_json=True).splitlines()]
    assert [row["submission"] for row in rows] == [f"mine{at}" for at in range(30)]
    assert {row["status"] for row in rows} == {"scored"}


def test_a_missing_store_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is in another folder sees where it looked."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match=str(tmp_path / "evaluations")):
        list_command(store=Path("evaluations"))


def test_progress_of_unfinished_evaluations(store: Path) -> None:
    """Running as long as a lease is held and has not expired."""
    with closing(sqlite3.connect(store / DATABASE_FILE)) as connection, connection:
        for name, holder, expires in (("0", "host", 200.0), ("1", "host", 50.0), ("2", "", 200.0)):
            connection.execute(
                "INSERT INTO leases (evaluation, token, holder, place, beats, expires) VALUES (?, 1, ?, '', 0, ?)",
                (name * 12, holder, expires),
            )
    progress = read_progress(store, ["0" * 12, "1" * 12, "2" * 12, "3" * 12], now=100.0)
    assert [item.is_running for item in progress.values()] == [True, False, False, False]
    assert read_progress(store.parent, ["0" * 12], now=time.time()) == {}


def test_it_imports_no_slow_library(store: Path) -> None:
    """SQLAlchemy, pydantic or NumPy would each double the time that it takes."""
    code = (
        "import sys; from runner.cli.main import command_group;"
        "command_group()(['list', '--store', sys.argv[1]], standalone_mode=False);"
        "print([name for name in ('sqlalchemy', 'pydantic', 'numpy', 'docker', 'psutil') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(store)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert done.stdout.splitlines()[-1] == "[]"
