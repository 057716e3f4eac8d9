"""How far a long step is: a bar on a terminal, a line now and then elsewhere. On stderr.

Steps are named after challenges and submissions, which strangers name: each text is made harmless here.
"""

from __future__ import annotations

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


class Reporter(Protocol):
    """What long steps tell of themselves."""

    def step(self, text: str) -> None:
        """Begin a step that cannot be counted."""

    def count(self, text: str, done: int, total: int) -> None:
        """Say how far a step is that can be counted."""


class NullReporter:
    """Tells nothing; for tests and for callers that watch themselves."""

    def step(self, text: str) -> None:
        """Drop it."""

    def count(self, text: str, done: int, total: int) -> None:
        """Drop it."""


class ConsoleReporter:
    """Tells a person. Use as a context manager."""

    def __init__(self, console: Console, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Write to ``console``, which should be on stderr."""
        self._console, self._clock = console, clock
        self._bars: Progress | None = None
        self._task: tuple[str, int] | None = None
        self._told: tuple[str, float] = ("", 0.0)
        """The last line's step, and when it was written."""
        self._begun: tuple[str, int, float] = ("", 0, 0.0)
        """The step that is counted, how far it was when it was first told of, and when."""
        if console.is_terminal:
            self._bars = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
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
            self._show(text, None, 0)
        elif self._told[0] != text:
            self._say(text, text)

    def count(self, text: str, done: int, total: int) -> None:
        """Say how far a step is that can be counted."""
        text = sanitize_line(text)
        if self._bars is not None:
            self._show(text, total, done)
        elif self._told[0] != text or done == total or self._clock() - self._told[1] > _LINE_EVERY_SECONDS:
            self._say(text, f"{text}: {done} of {total}{self._left(text, done, total)}")

    def _left(self, text: str, done: int, total: int) -> str:
        """Return how long the rest will take at the pace since the step was first told of."""
        now = self._clock()
        if self._begun[0] != text or done < self._begun[1]:
            self._begun = (text, done, now)
        _text, first, since = self._begun
        if done == first or done >= total:
            return ""
        left_seconds = (now - since) / (done - first) * (total - done)
        return f", {duration(left_seconds)} left"

    def _say(self, step: str, line: str) -> None:
        self._told = (step, self._clock())
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _show(self, text: str, total: int | None, done: int) -> None:
        assert self._bars is not None
        if self._task is None or self._task[0] != text:
            if self._task is not None:
                self._bars.remove_task(self._task[1])  # type: ignore[arg-type]
            self._task = (text, self._bars.add_task(text, total=total))
        self._bars.update(self._task[1], total=total, completed=done)  # type: ignore[arg-type]
