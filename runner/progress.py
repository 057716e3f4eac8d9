"""Progress of long steps: a bar on a terminal that can draw one, elsewhere lines. Written to stderr.

Steps are named after challenges and submissions, whose names are untrusted: each text is sanitized here.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from runner.sanitize import sanitize_line
from runner.units import duration

_LINE_EVERY_SECONDS: Final = 10.0
_ECHO_COLUMNS: Final = 8
"""For ``^C`` four times."""
_MIN_COLUMNS: Final = 20


class Reporter(Protocol):
    """Receives the progress of long steps."""

    def step(self, text: str) -> None:
        """Begin a step that cannot be counted."""

    def count(self, text: str, done: int, total: int) -> None:
        """Report the progress of a step that can be counted."""


class NullReporter:
    """Discards all reports; for tests and for callers that watch themselves."""

    def step(self, text: str) -> None:
        """Discard it."""

    def count(self, text: str, done: int, total: int) -> None:
        """Discard it."""


class ConsoleReporter:
    """Reports to a person. Use as a context manager."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to ``console``, which should be on stderr."""
        self._console, self._clock = console, clock
        self._bars: Progress | None = None
        self._task: tuple[str, int] | None = None
        self._last_line: tuple[str, float] = ("", 0.0)
        """The last line's step, and when it was written."""
        self._first_count: tuple[str, int, float] = ("", 0, 0.0)
        """The step that is counted, its count in the first report, and when that was."""
        if console.is_interactive and not console.is_dumb_terminal:
            self._leave_room_for_echo()
            self._bars = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("elapsed,"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=console,
                transient=True,
            )

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop drawing."""
        if self._bars is not None:
            self._bars.stop()

    def step(self, text: str) -> None:
        """Begin a step that cannot be counted."""
        text = sanitize_line(text)
        if self._bars is not None:
            self._draw(text, None, 0)
        elif self._last_line[0] != text:
            self._print(text, text)

    def count(self, text: str, done: int, total: int) -> None:
        """Report the progress of a step that can be counted."""
        text = sanitize_line(text)
        if self._bars is not None:
            self._draw(text, total, done)
        elif (
            self._last_line[0] != text
            or done == total
            or self._clock() - self._last_line[1] > _LINE_EVERY_SECONDS
        ):
            self._print(text, f"{text}: {done} of {total}{self._time_left(text, done, total)}")

    def line(self, text: str) -> None:
        """Write a line that stays, above the progress bar if there is one."""
        self._console.print(sanitize_line(text), markup=False, highlight=False, soft_wrap=True)

    def _time_left(self, text: str, done: int, total: int) -> str:
        """Return the time that the rest will take at the pace since the step's first report."""
        now = self._clock()
        if self._first_count[0] != text or done < self._first_count[1]:
            self._first_count = (text, done, now)
        _text, first, started_at = self._first_count
        if done == first or done >= total:
            return ""
        remaining_seconds = (now - started_at) / (done - first) * (total - done)
        return f", {duration(remaining_seconds)} left"

    def _print(self, step: str, line: str) -> None:
        self._last_line = (step, self._clock())
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _leave_room_for_echo(self) -> None:
        """Keep the bar a few columns narrower than the terminal, whose width may have changed.

        A terminal echoes Ctrl-C as ``^C``. If that wrapped to the next line, the bar would be erased there,
        and the dead one would stay on the screen.
        """
        with contextlib.suppress(OSError, ValueError):  # no terminal: a test writes to memory
            columns = os.get_terminal_size(self._console.file.fileno()).columns
            if columns > 0:  # 0: the terminal does not know
                self._console.width = max(_MIN_COLUMNS, columns - _ECHO_COLUMNS)

    def _draw(self, text: str, total: int | None, done: int) -> None:
        assert self._bars is not None
        self._leave_room_for_echo()
        if self._task is None or self._task[0] != text:
            if self._task is not None:
                self._bars.remove_task(self._task[1])  # type: ignore[arg-type]
            self._task = (text, self._bars.add_task(text, total=total))
        self._bars.update(self._task[1], total=total, completed=done)  # type: ignore[arg-type]
