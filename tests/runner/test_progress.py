"""A log shows the progress of a long step and the time left."""

from __future__ import annotations

import contextlib
import io
import os
import pty
import re
import termios

import pytest
from rich.cells import cell_len
from rich.console import Console

from runner.progress import ConsoleReporter
from runner.units import duration
from tests.support.clock import Clock


def test_a_log_shows_the_time_left() -> None:
    """The pace is that since the first report, so work that was finished before does not count."""
    clock, written = Clock(100.0), io.StringIO()
    reporter = ConsoleReporter(Console(file=written, width=200), clock=clock)
    for done, now in ((64, 100.0), (65, 105.0), (80, 112.0), (256, 212.0), (512, 300.0)):
        clock.now = now
        reporter.count("references", done, 512)
    assert written.getvalue().splitlines() == [
        "references: 64 of 512",
        "references: 80 of 512, 6 min left",
        "references: 256 of 512, 3 min left",
        "references: 512 of 512",
    ]


def test_each_step_has_its_own_pace() -> None:
    """A new step begins without a forecast, and so does a step that begins again."""
    clock, written = Clock(100.0), io.StringIO()
    reporter = ConsoleReporter(Console(file=written, width=200), clock=clock)
    for text, done, now in (("a", 0, 0.0), ("a", 1, 20.0), ("b", 1, 40.0), ("b", 2, 60.0), ("a", 0, 80.0)):
        clock.now = now
        reporter.count(text, done, 4)
    assert written.getvalue().splitlines() == [
        "a: 0 of 4",
        "a: 1 of 4, 60 s left",
        "b: 1 of 4",
        "b: 2 of 4, 40 s left",
        "a: 0 of 4",
    ]


@pytest.mark.parametrize("terminal", [False, True])
def test_untrusted_names_are_sanitized(terminal: bool) -> None:
    """A challenge's name, or a trainer's report, cannot send a terminal a command or a new line."""
    written = io.StringIO()
    console = Console(file=written, width=200, force_terminal=terminal, _environ={"TERM": "xterm"})
    with ConsoleReporter(console, clock=Clock()) as reporter:
        reporter.step("\x1b]0;title\x07mine\nscore: 1.0")
        reporter.count("\x1b[2J\u202eyours\r", 1, 2)
    text = written.getvalue()
    assert "\x1b]0;" not in text
    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    mark = "\N{REPLACEMENT CHARACTER}"
    assert f"{mark}[2J{mark}yours" in text
    if not terminal:
        assert text.splitlines() == [
            f"{mark}]0;title{mark}mine score: 1.0",
            f"{mark}[2J{mark}yours{mark}: 1 of 2",
        ]


def test_a_terminal_that_cannot_draw_gets_lines() -> None:
    """With TERM=dumb there is no bar, so there are the lines of a log."""
    written = io.StringIO()
    console = Console(file=written, width=200, force_terminal=True, _environ={"TERM": "dumb"})
    with ConsoleReporter(console, clock=Clock()) as reporter:
        reporter.step("mine: starting containers")
        reporter.count("mine: runs", 1, 2)
    assert written.getvalue().splitlines() == ["mine: starting containers", "mine: runs: 1 of 2"]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_bar_leaves_room_for_the_echo_of_an_interrupt(columns: int) -> None:
    """Whatever the name's length: `^C` on a full line would wrap, and leave a dead bar on the screen."""
    main, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, columns))
    with os.fdopen(terminal, "w") as file:
        console = Console(file=file, force_terminal=True, _environ={"TERM": "xterm"})
        with ConsoleReporter(console, clock=Clock()) as reporter:
            reporter.count(f"{'long' * 60}: runs", 1, 64)
        file.flush()
        os.set_blocking(main, False)
        text = ""
        with contextlib.suppress(BlockingIOError):
            while part := os.read(main, 1 << 16):
                text += part.decode()
    os.close(main)
    drawn = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]", text)]
    assert any("long" in line for line in drawn)
    assert max(map(cell_len, drawn)) <= columns - len("^C^C^C")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "1 s"),
        (99, "99 s"),
        (100, "2 min"),
        (3599, "1 h 0 min"),
        (3601, "1 h 1 min"),
        (90000, "25 h 0 min"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    """They are rounded up, so none is too short."""
    assert duration(seconds) == text


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_line_stays(is_terminal: bool) -> None:
    """Above the bar, whose times are labelled; what the line quotes is sanitized."""
    written = io.StringIO()
    console = Console(file=written, width=200, force_terminal=is_terminal, color_system=None)
    with ConsoleReporter(console) as reporter:
        reporter.count("runs", 1, 4)
        reporter.line("1 of 2: a\x07\nb: [red]scored")
        reporter.count("runs", 2, 4)
    text = written.getvalue()
    assert "1 of 2: a\ufffd b: [red]scored" in text
    assert ("elapsed," in text) == is_terminal
