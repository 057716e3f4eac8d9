"""Every command answers a damaged store in one sentence, and reads nothing that is no plain file."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from runner.store.listing import DATABASE_FILE
from tests.support.command import type_command
from tests.support.paths import TEST_DATA

ENDED = "628abf2578c0"
CHALLENGE = TEST_DATA / "stored-version-1" / "challenge"
COMMANDS = {
    "show": ("show", ENDED),
    "report": ("report", ENDED),
    "page": ("show", ENDED, "--html", "/nonexistent/page.html"),
    "score": ("score", ENDED, "--challenge", CHALLENGE),
    "verify": ("verify", ENDED, "--challenge", CHALLENGE),
    "list": ("list",),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return Path(shutil.copytree(TEST_DATA / "stored-version-1" / "store", tmp_path / "store"))


def limited(*words: object) -> subprocess.CompletedProcess[str]:
    """Type a command that may use 4 GB of address space."""
    return type_command(*words, address_space=4_000_000_000)


def one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.stderr.count("unlearn: ") == 1, done.stderr
    assert "Traceback" not in done.stderr
    return " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("statement", "commands"),
    [
        ("UPDATE runs SET verdict = 'oj' WHERE rowid = 1", ("show", "report", "page", "score", "verify")),
        ("UPDATE evaluations SET begun = '2026-99-01'", ("show", "report", "score", "verify", "list")),
        ("UPDATE terms SET terms = '[]'", ("show", "report", "page", "score")),
        (
            "UPDATE evaluations SET summary = json_set(summary, '$.n', 'x') WHERE summary NOT NULL",
            ("show", "list"),
        ),
    ],
    ids=["verdict", "date", "terms", "summary"],
)
def test_a_changed_value_is_exit_code_3(store: Path, statement: str, commands: tuple[str, ...]) -> None:
    """It was a traceback and exit code 1, which says that the submission earned no score."""
    type_command("list", UNLEARN_STORE=str(store))
    with closing(sqlite3.connect(store / DATABASE_FILE)) as connection, connection:
        connection.execute(statement)
    for name in commands:
        done = type_command(*COMMANDS[name], UNLEARN_STORE=str(store))
        assert done.returncode == 3, (name, done.stderr)
        one_sentence(done)


def make_fifo(file: Path) -> None:
    os.mkfifo(file)


def make_device(file: Path) -> None:
    file.symlink_to("/dev/zero")


def make_folder(file: Path) -> None:
    file.mkdir()


def make_endless(file: Path) -> None:
    with file.open("wb") as opened:
        opened.truncate(1 << 36)


@pytest.mark.parametrize("make", [make_fifo, make_device, make_folder, make_endless])
def test_outputs_are_read_from_plain_files_only(store: Path, make: Callable[[Path], None]) -> None:
    """A pipe is not waited for, an endless device or a large file not read."""
    file = store / ENDED / "outputs" / "00003.npz"
    file.unlink()
    make(file)
    done = limited("score", ENDED, "--store", store, "--challenge", CHALLENGE)
    assert done.returncode == 3, done.stderr
    assert "outputs/00003.npz" in one_sentence(done)
    if make is make_fifo:
        done = limited("verify", ENDED, "--store", store, "--challenge", CHALLENGE)
        assert done.returncode == 1, done.stderr
        assert "outputs/00003.npz is not a regular file that can be read" in done.stdout


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("manifest.json", make_fifo),
        ("manifest.json", make_device),
        ("summary.json", make_device),
        ("card.json", make_fifo),
    ],
)
def test_other_files_are_read_from_plain_files_only(
    store: Path, name: str, make: Callable[[Path], None]
) -> None:
    """`verify` reports them; this evaluation's manifest names no card."""
    file = store / ENDED / name
    file.unlink(missing_ok=True)
    make(file)
    done = limited("verify", ENDED, "--store", store, "--challenge", CHALLENGE)
    assert done.returncode == (0 if name == "card.json" else 1), done.stderr
    assert "Traceback" not in done.stderr


def test_a_submissions_archive_is_a_plain_file(store: Path) -> None:
    """`verify` hashes nothing else."""
    for file in (store / "submissions").iterdir():
        file.unlink()
        make_fifo(file)
    done = limited("verify", ENDED, "--store", store, "--challenge", CHALLENGE)
    assert done.returncode == 1, done.stderr
    assert "is not a regular file that can be read" in done.stdout


@pytest.mark.parametrize("option", ["--unlearned", "--references"])
@pytest.mark.parametrize("make", [make_fifo, make_device, make_folder])
def test_a_named_file_is_a_plain_file(tmp_path: Path, make: Callable[[Path], None], option: str) -> None:
    """`score --unlearned` of a pipe waited for ever."""
    make(tmp_path / "odd.npz")
    other = "--references" if option == "--unlearned" else "--unlearned"
    np.savez(tmp_path / "other.npz", logits=np.zeros(1))
    done = limited("score", option, tmp_path / "odd.npz", other, tmp_path / "other.npz")
    assert done.returncode == 2, done.stderr
    one_sentence(done)


def test_a_missing_output_is_called_missing(store: Path) -> None:
    """And not damaged, to be removed."""
    (store / ENDED / "outputs" / "00003.npz").unlink()
    done = type_command("score", ENDED, "--store", store, "--challenge", CHALLENGE)
    assert done.returncode == 3
    assert "00003.npz is missing; repeat the command" in one_sentence(done)
    assert "damaged" not in done.stderr


@pytest.mark.parametrize("empty", ["no rows", "no tables"])
def test_an_emptied_database_is_mentioned(store: Path, empty: str) -> None:
    """Its files are still there, and would be computed again without a word."""
    if empty == "no tables":
        (store / DATABASE_FILE).write_bytes(b"")
    else:
        with closing(sqlite3.connect(store / DATABASE_FILE)) as connection, connection:
            for table in ("runs", "attempts", "terms", "leases", "evaluations"):
                connection.execute(f"DELETE FROM {table}")
    done = type_command("list", "--store", store)
    assert done.returncode == 0
    assert f"outputs of evaluations that its database does not list ({ENDED})" in " ".join(
        done.stderr.split()
    )
