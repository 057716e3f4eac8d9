"""A result that the terminal cannot show does not change how a command ends."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import command_environment, command_line, type_command, type_in_new_interpreter
from tests.support.paths import TEST_DATA

ENDED = "628abf2578c0"
CHALLENGE = TEST_DATA / "stored-version-1" / "challenge"
NAME = "é ü 名 \U0001f600"
TERMINALS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "strict ascii": {"PYTHONIOENCODING": "ascii:strict"},
    "posix": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "cp437": {"PYTHONIOENCODING": "cp437"},
}
COMMANDS = {
    "list": (("list",), 0),
    "show": (("show", ENDED), 0),
    "report": (("report", ENDED), 0),
    "score": (("score", ENDED, "--challenge", CHALLENGE), 0),
    "verify": (("verify", ENDED, "--challenge", CHALLENGE), 1),
    "challenge show": (("challenge", "show", CHALLENGE), 0),
    "doctor": (("doctor",), 3),
    "run": (("run", f"nowhere {NAME}", "--challenge", CHALLENGE), 2),
    "help": (("run", "--help"), 0),
    "usage": ((f"no-such-command {NAME}",), 2),
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store whose submission and folder have names that few encodings have."""
    folder = Path(shutil.copytree(TEST_DATA / "stored-version-1" / "store", tmp_path / NAME))
    with closing(sqlite3.connect(folder / "store.sqlite")) as connection, connection:
        connection.execute("UPDATE evaluations SET submission = ?", (NAME,))
        connection.execute(
            "UPDATE evaluations SET summary = json_set(summary, '$.submission', ?) WHERE summary NOT NULL",
            (NAME,),
        )
    return folder


CASES = [
    pytest.param(words, code, TERMINALS[terminal], id=f"{name}-{terminal}")
    for name, (words, code) in COMMANDS.items()
    for terminal in (TERMINALS if name == "list" else ("ascii", "latin-1"))
]
"""One command under every terminal: the others take the same way out."""


@pytest.mark.parametrize(("words", "code", "terminal"), CASES)
def test_characters_are_replaced(
    store: Path, tmp_path: Path, words: tuple[object, ...], code: int, terminal: dict[str, str]
) -> None:
    """The exit code is the one that was earned, and no traceback is shown."""
    environment = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "HOME": str(tmp_path), **terminal}
    start: Callable[..., subprocess.CompletedProcess[str]] = type_command
    if words == COMMANDS["list"][0]:
        start = type_in_new_interpreter
    done = start(*words, UNLEARN_STORE=str(store), **environment)
    assert done.returncode == code, done.stderr
    assert done.stdout or done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    if "latin-1" not in terminal.values() and "cp437" not in terminal.values():
        assert (done.stdout + done.stderr).isascii()


def test_json_is_complete_in_ascii(store: Path) -> None:
    """It needs no character that ASCII lacks."""
    done = type_in_new_interpreter("list", "--json", UNLEARN_STORE=str(store), PYTHONIOENCODING="ascii")
    assert done.returncode == 0
    assert "\\u540d" in done.stdout


def shell(line: str, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a line of the shell, in which it is called "$@"."""
    return subprocess.run(
        ["bash", "-c", line, "bash", *command_line(*words)],
        env=command_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('"$@" >&-', 0),
        ('"$@" 2>&-', 0),
        ('"$@" >&- 2>&-', 0),
        ('"$@" | true; exit ${PIPESTATUS[0]}', 0),
        ('"$@" > /dev/full', 3),
        ('"$@" 2> /dev/full', 0),
    ],
)
def test_a_closed_or_full_output_is_not_a_missing_score(store: Path, line: str, code: int) -> None:
    """Nobody reads it, or the disk is full: never exit code 1, and never the interpreter's 120."""
    done = shell(line, "list", UNLEARN_STORE=str(store))
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_keeps_its_code_where_stderr_cannot_be_written(store: Path) -> None:
    """Wrong usage stays exit code 2."""
    for line in ('"$@" 2> /dev/full', '"$@" 2>&-', '"$@" > /dev/full'):
        assert shell(line, "show", "nosuch", UNLEARN_STORE=str(store)).returncode == 2
