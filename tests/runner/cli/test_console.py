"""The width of results: COLUMNS, else that of a terminal, else a fixed one."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

import pytest
from rich.table import Table

from runner.cli.console import PIPE_WIDTH, print_error, stderr_console, stdout_console
from runner.cli.interface.screen_size import unset_impossible_sizes
from runner.cli.main import run_words
from runner.progress import ConsoleReporter
from tests.support.command import command_environment

IMPOSSIBLE = [
    "",
    "0",
    "000",
    "-1",
    "+5",
    "1e3",
    "8_0",
    " 80",
    "80\n",
    "²",
    "٨٠",
    "1" * 5000,
    "0" * 5000 + "1",
]
CODE = "from runner.cli.console import stdout_console; print(stdout_console().width)"


def width(columns: str | None, terminal: int | None) -> int:
    """Return the width of a process whose stdout is a pipe, and whose stderr may be a terminal."""
    environment = {name: value for name, value in command_environment().items() if name != "COLUMNS"}
    if columns is not None:
        environment["COLUMNS"] = columns
    main, stderr = pty.openpty()
    if terminal is not None:
        termios.tcsetwinsize(stderr, (24, terminal))
    try:
        done = subprocess.run(
            [sys.executable, "-c", CODE],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if terminal is None else stderr,
            check=True,
        )
    finally:
        os.close(main)
        os.close(stderr)
    return int(done.stdout)


@pytest.mark.parametrize(
    ("columns", "terminal", "expected"),
    [
        ("60", None, 60),
        ("60", 80, 60),
        (None, 80, 80),
        (None, None, PIPE_WIDTH),
        ("wide", None, PIPE_WIDTH),
        ("", 100, 100),
        (None, 0, PIPE_WIDTH),
    ],
)
def test_the_width_without_a_terminal_on_stdout(
    columns: str | None, terminal: int | None, expected: int
) -> None:
    """`unlearn list | head` fits the terminal that shows it; a log has room for all columns."""
    assert width(columns, terminal) == expected


@pytest.mark.parametrize("name", ["COLUMNS", "LINES"])
@pytest.mark.parametrize("value", IMPOSSIBLE, ids=lambda value: ascii(value[:9]))
def test_a_size_that_no_screen_has_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    """Results and errors are printed as if it were not set; it hid all of them, or was a traceback."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)
    expected = [(console().width, console().height) for console in (stdout_console, stderr_console)]
    monkeypatch.setenv(name, value)
    consoles = [stdout_console(), stderr_console()]
    assert [(console.width, console.height) for console in consoles] == expected
    stdout_console().print("a result")
    print_error("a reason")
    assert capsys.readouterr() == ("a result\n", "unlearn: a reason\n")


@pytest.mark.parametrize("columns", ["1", "007", "60", "100000"])
def test_any_number_of_columns_is_respected(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str
) -> None:
    """By both consoles; an error stays on one line, and a table is not empty."""
    monkeypatch.setenv("COLUMNS", columns)
    assert stdout_console().width == stderr_console().width == int(columns)
    table = Table("abc")
    table.add_row("def")
    stdout_console().print(table)
    print_error("a reason")
    printed = capsys.readouterr()
    assert printed.err == "unlearn: a reason\n"
    assert printed.out


@pytest.mark.parametrize("value", ["0", "²", "1" * 5000])
def test_the_help_of_a_command_is_printed_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    """Its library reads the variables itself."""
    monkeypatch.setenv("COLUMNS", value)
    monkeypatch.setenv("LINES", value)
    unset_impossible_sizes()
    run_words(["image", "--help"])
    assert "build" in capsys.readouterr().out


@pytest.mark.parametrize("variable", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_forced_colours_draw_no_bar(
    variable: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the log of a job, which asks for colours, progress stays lines: nothing moves a cursor."""
    monkeypatch.setenv(variable, "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    with ConsoleReporter(stderr_console()) as reporter:
        reporter.count("runs", 0, 2)
        reporter.count("runs", 2, 2)
    written = capsys.readouterr().err
    assert written.splitlines() == ["runs: 0 of 2", "runs: 2 of 2"]
