"""An error that nobody foresaw has an exit code of its own, and its traceback is in a file."""

from __future__ import annotations

import errno
import re
import sys
import threading
from pathlib import Path

import pytest

from runner.cli import main as cli
from runner.cli.lazy import LazyCommand
from runner.errors import UNFORESEEN_EXIT_CODE
from runner.tracebacks import save_traceback
from tests.support.command import type_command
from tests.support.paths import ROOT


@pytest.fixture(autouse=True)
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the user's state folder."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one sentence on stderr."""
    written = capsys.readouterr()
    assert written.out == ""
    assert written.err.count("\n") == 1
    assert "Traceback" not in written.err
    return written.err


def saved_file(text: str) -> Path:
    """Return the file that a sentence names."""
    match = re.search(r"its traceback is in (\S+)", text)
    assert match is not None, text
    return Path(match[1])


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug"),
        KeyError("missing"),
        AssertionError(),
        ValueError("two\nlines \x1b[2J and \udcff"),
        MemoryError(),
        RecursionError("too deep"),
        EOFError("the file ended"),
        UnicodeEncodeError("ascii", "é", 0, 1, "ordinal not in range"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_it_is_exit_code_5_and_the_traceback_is_saved(
    state: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    """One sentence names the error and the file; the file has the traceback."""
    with pytest.raises(SystemExit) as ending, cli._errors_as_exit_codes():
        raise error
    assert ending.value.code == UNFORESEEN_EXIT_CODE == 5
    file = saved_file(sentence(capsys))
    assert file.parent == state / "unlearn" / "tracebacks"
    text = file.read_text()
    assert "Traceback (most recent call last)" in text
    assert type(error).__name__ in text
    assert "\x1b" not in text, "whoever shows the file is not at the mercy of what it quotes"
    assert file.stat().st_mode & 0o077 == 0, "it may name what is secret"


@pytest.mark.parametrize("error", ["RuntimeError('a bug')", "EOFError('the end')", "AssertionError()"])
def test_a_command_that_raises_is_exit_code_5(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, error: str
) -> None:
    """Through typer, which would end with exit code 1 on some errors, EOFError among them."""
    (tmp_path / "failing_command.py").write_text(f"def command() -> None:\n    raise {error}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "failing_command", raising=False)
    command = LazyCommand("failing", target="failing_command:command", summary="")
    with pytest.raises(SystemExit) as ending, cli._errors_as_exit_codes():
        command.load().main(args=[], prog_name="unlearn")
    assert ending.value.code == 5
    assert error.partition("(")[0] in saved_file(sentence(capsys)).read_text()


@pytest.mark.parametrize("blocked", ["a file in its place", "a folder that does not exist"])
def test_the_temporary_folder_is_next(
    monkeypatch: pytest.MonkeyPatch, state: Path, tmp_path: Path, blocked: str
) -> None:
    """Where the state folder cannot be written."""
    if blocked == "a file in its place":
        state.write_text("")
    else:
        monkeypatch.setenv("XDG_STATE_HOME", "/proc/nowhere")
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert saved_file(save_traceback(ValueError("x"))).parent == temporary


def test_without_any_folder_the_place_is_named(
    monkeypatch: pytest.MonkeyPatch, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence then says where the error was raised; the exit code is the same."""
    state.write_text("")
    monkeypatch.setattr("tempfile.tempdir", "/proc/nowhere")
    with pytest.raises(SystemExit) as ending, cli._errors_as_exit_codes():
        raise ValueError("x")
    assert ending.value.code == 5
    assert f"at {__file__}:" in sentence(capsys)


def test_an_error_in_a_thread_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And not a traceback between the lines of the progress."""
    monkeypatch.setattr(threading, "excepthook", cli._report_thread)

    def fail() -> None:
        raise ValueError("in a thread")

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert "in a thread" in saved_file(sentence(capsys)).read_text()


def test_an_error_of_the_operating_system_stays_exit_code_3() -> None:
    """It was foreseen."""
    with pytest.raises(SystemExit) as ending, cli._errors_as_exit_codes():
        raise OSError(errno.ENOSPC, "No space left on device")
    assert ending.value.code == 3


def test_the_code_is_documented_wherever_codes_are() -> None:
    """In the help, in both tables and where errors are declared."""
    assert "5 an unforeseen error" in " ".join(type_command("--help").stdout.replace("│", " ").split())
    for file in ("docs/reference/commands.md", "docs/organizers.md"):
        assert "\n| 5 | an unforeseen error" in (ROOT / file).read_text()
    assert "exit 5" in (ROOT / "runner" / "errors.py").read_text()
