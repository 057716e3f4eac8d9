"""The width of results: COLUMNS, else that of a terminal, else a fixed one."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios

import pytest

from runner.cli.console import PIPE_WIDTH
from tests.support.command import command_environment

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
