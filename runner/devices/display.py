"""Show what goes on, on several devices: a live table on a terminal, elsewhere lines, or lines of JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, Self

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.live import Live
from rich.table import Table
from rich.text import Text

from runner.devices.board import Board, BoardState, DeviceState, Event
from runner.sanitize import sanitize_line
from runner.units import duration
from runner.wording import quantity

_LINE_EVERY_SECONDS: Final = 10.0
_REFRESHES_A_SECOND: Final = 4
_MAX_ROWS: Final = 32
"""Devices in the table; of more, those at work come first."""


class Display:
    """Shows a board. Use as a context manager; `on_event` is to receive its events."""

    def __init__(
        self,
        console: Console,
        *,
        write_json: Callable[[dict[str, Any]], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare.

        Args:
            console: For progress.
            write_json: Receives each event as an object, in place of lines and table.
            clock: Returns monotonic seconds.
        """
        self._console, self._write_json, self._clock = console, write_json, clock
        self._board: Board | None = None
        self._live: Live | None = None
        self._last: dict[str, float] = {}

    def show(self, board: Board) -> None:
        """Show a board from now on."""
        self._board = board

    def __enter__(self) -> Self:
        """Start the table, where there is one."""
        if self._write_json is None and self._console.is_interactive and not self._console.is_dumb_terminal:
            self._live = Live(
                _BoardTable(self),
                console=self._console,
                transient=True,
                refresh_per_second=_REFRESHES_A_SECOND,
            )
            self._live.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop it; what was shown as lines stays."""
        if self._live is not None:
            self._live.stop()

    @property
    def is_live(self) -> bool:
        """Return whether there is a table on a terminal, above which lines have to be written."""
        return self._live is not None

    def state(self) -> BoardState | None:
        """Return what is shown now."""
        return self._board.state() if self._board is not None else None

    def line(self, text: str) -> None:
        """Write a line that stays, above the table if there is one."""
        if self._write_json is None:
            self._console.print(sanitize_line(text), markup=False, highlight=False, soft_wrap=True)

    def on_event(self, event: Event) -> None:
        """Show what happened; of progress at most one line each ten seconds for each device."""
        if event.event == "progress" and not self._is_due(event):
            return
        if self._write_json is not None:
            self._write_json(event_json(event))
        elif self._live is None or event.event in ("held", "retired"):
            self.line(event_line(event))

    def _is_due(self, event: Event) -> bool:
        last = self._last.get(event.device)
        if last is not None and self._clock() - last < _LINE_EVERY_SECONDS and event.done < event.total:
            return False
        self._last[event.device] = self._clock()
        return True


class _BoardTable:
    """Renders the present state whenever the table is drawn."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def __rich_console__(self, _console: Console, options: ConsoleOptions) -> RenderResult:
        state = self._display.state()
        if state is not None:
            yield board_table(state, rows=max(1, min(_MAX_ROWS, (options.height or 25) - 10)))


def event_json(event: Event) -> dict[str, Any]:
    """Return an event as an object with the time, for logs."""
    return {
        "event": event.event,
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "device": event.device,
        "submission": event.work,
        **({"detail": event.detail} if event.detail else {}),
        **({"done": event.done, "total": event.total} if event.total else {}),
    }


def event_line(event: Event) -> str:
    """Return an event as a line."""
    if event.event == "retired":
        return f"{event.device}: not used any more: {event.detail}"
    if event.event == "progress":
        return f"{event.device}: {event.work}: {event.detail}: {event.done} of {event.total}"
    detail = f": {event.detail}" if event.detail else ""
    return f"{event.device}: {event.work}: {event.event}{detail}"


def board_table(state: BoardState, *, rows: int = _MAX_ROWS) -> Group:
    """Return the table of a state, with the queue below it and the last failures.

    Args:
        state: What is shown.
        rows: Devices that are shown at most.
    """
    table = Table(box=None, pad_edge=False)
    for title, justify in (("device", "left"), ("submission", "left"), ("step", "left"), ("runs", "right")):
        table.add_column(title, justify=justify, no_wrap=True, overflow="ellipsis")  # type: ignore[arg-type]
    devices = sorted(state.devices, key=lambda device: not device.work)[:rows]
    shown = [device for device in state.devices if device in devices]
    for device in shown:
        table.add_row(*(Text(cell) for cell in _cells(device)))
    below = [Text(_queue_line(state))]
    if len(shown) < len(state.devices):
        below.insert(0, Text(f"and {quantity(len(state.devices) - len(shown), 'device')} more"))
    below += [Text(line, style="red", no_wrap=True, overflow="ellipsis") for line in state.failures]
    return Group(table, *below)


def _cells(device: DeviceState) -> tuple[str, str, str, str]:
    if device.retired:
        return device.name, "", f"not used any more: {device.retired}", ""
    runs = f"{device.done}/{device.total}" if device.total else ""
    return device.name, device.work or "idle", device.step, runs


def _queue_line(state: BoardState) -> str:
    parts = [f"{state.ended} ended", f"{state.waiting} waiting"]
    if state.failed:
        parts.append(f"{state.failed} failed")
    if state.runs_a_minute is not None:
        parts.append(f"{state.runs_a_minute:.0f} runs a minute")
    if state.seconds_left is not None:
        parts.append(f"{duration(state.seconds_left)} left")
    return ", ".join(parts)
