"""What goes on, on which device: kept by the threads of a command, and read by what shows it.

The rate counts runs that have ended since the command began. The time left is that of the runs that are still
to be executed, at this rate; it is known once some have ended.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from runner.sanitize import sanitize_line

_MIN_RATE_SECONDS: Final = 1.0
_NAME_CHARACTERS: Final = 100
_REASON_CHARACTERS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """What a device does at the moment. Texts are sanitized."""

    name: str
    work: str = ""
    """What is evaluated on it; empty while it is idle."""
    step: str = ""
    """The present step of it, such as "runs"."""
    done: int = 0
    total: int = 0
    """Runs of it that have ended, and all of them; 0 while that is not known."""
    since: float = 0.0
    """When it began with it."""
    retired: str = ""
    """Why nothing more is evaluated on it; empty if it is in use."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What has not begun."""

    evaluations: int
    runs: int
    """Of all of them together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardState:
    """All that is shown, at one moment."""

    devices: tuple[DeviceState, ...]
    waiting: int
    """Evaluations that have not begun."""
    ended: int
    failures: tuple[str, ...]
    """What was held or failed, and why: the last ones."""
    failed: int
    """How many did."""
    runs_a_minute: float | None
    """None before a run has ended."""
    seconds_left: float | None
    """None where it is not known."""
    seconds: float
    """Since the command began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened, for lines of text or JSON."""

    event: str
    """``started``, ``progress``, ``ended``, ``held``, ``interrupted`` or ``retired``."""
    device: str
    work: str
    detail: str = ""
    """Outcome, reason or step."""
    done: int = 0
    total: int = 0


class Board:
    """The state of a command's devices. Safe to use from several threads."""

    def __init__(
        self,
        devices: Sequence[str],
        *,
        waiting: Callable[[], Waiting],
        on_event: Callable[[Event], object] = lambda _event: None,
        clock: Callable[[], float] = time.monotonic,
        shown_failures: int = 5,
    ) -> None:
        """Begin; all devices are idle.

        Args:
            devices: Their names.
            waiting: Returns what has not begun.
            on_event: Receives what happens, one event at a time.
            clock: Returns monotonic seconds.
            shown_failures: How many of the last failures are kept.
        """
        self._devices = {name: DeviceState(name=name) for name in devices}
        self._waiting, self._on_event, self._clock = waiting, on_event, clock
        self._shown_failures = shown_failures
        self._begun = clock()
        self._lock = threading.RLock()
        self._ended_runs = self._ended = self._failed = 0
        self._failures: list[str] = []
        self._counts: dict[tuple[str, str], int] = {}
        """Runs that had ended, by device and step: control problems are counted on their own."""

    def start(self, device: str, work: str) -> None:
        """Note that an evaluation begins on a device."""
        work = sanitize_line(work, _NAME_CHARACTERS)
        with self._lock:
            self._devices[device] = DeviceState(name=device, work=work, since=self._clock())
            self._counts = {key: count for key, count in self._counts.items() if key[0] != device}
            self._send("started", device)

    def step(self, device: str, text: str) -> None:
        """Note that a step begins that cannot be counted."""
        with self._lock:
            state = self._devices[device]
            self._devices[device] = replace(state, step=_step(text, state.work))

    def count(self, device: str, text: str, done: int, total: int) -> None:
        """Note how many runs have ended."""
        with self._lock:
            state = self._devices[device]
            self._ended_runs += max(0, done - self._counts.get((device, text), done))
            self._counts[device, text] = done
            self._devices[device] = replace(state, step=_step(text, state.work), done=done, total=total)
            self._send("progress", device, done=done, total=total, detail=self._devices[device].step)

    def end(self, device: str, event: str, detail: str, *, is_failure: bool) -> None:
        """Note how an evaluation ended: the device is idle.

        Args:
            device: Its name.
            event: ``ended``, ``held`` or ``interrupted``.
            detail: Outcome or reason.
            is_failure: Whether it is listed with its reason.
        """
        detail = sanitize_line(detail, _REASON_CHARACTERS)
        with self._lock:
            work = self._devices[device].work
            self._ended += event == "ended"
            if is_failure:
                self._failed += 1
                self._failures = [*self._failures, f"{work}: {detail}"][-self._shown_failures :]
            self._send(event, device, detail=detail)
            self._devices[device] = DeviceState(name=device)

    def retire(self, device: str, reason: str) -> None:
        """Note that nothing more is evaluated on a device."""
        reason = sanitize_line(reason, _REASON_CHARACTERS)
        with self._lock:
            self._devices[device] = replace(self._devices[device], retired=reason)
            self._send("retired", device, detail=reason)

    def state(self) -> BoardState:
        """Return what is to be shown now."""
        waiting = self._waiting()
        with self._lock:
            seconds = self._clock() - self._begun
            rate = self._ended_runs / max(seconds, _MIN_RATE_SECONDS)
            at_work = sum(state.total - state.done for state in self._devices.values() if state.work)
            return BoardState(
                devices=tuple(self._devices.values()),
                waiting=waiting.evaluations,
                ended=self._ended,
                failures=tuple(self._failures),
                failed=self._failed,
                runs_a_minute=60 * rate if rate else None,
                seconds_left=(at_work + waiting.runs) / rate if rate else None,
                seconds=seconds,
            )

    def _send(self, event: str, device: str, *, detail: str = "", done: int = 0, total: int = 0) -> None:
        work = self._devices[device].work
        self._on_event(Event(event=event, device=device, work=work, detail=detail, done=done, total=total))


class DeviceReporter:
    """Reports the progress of a device to a board (`runner.progress.Reporter`)."""

    def __init__(self, board: Board, device: str) -> None:
        """Report to ``board`` as ``device``."""
        self._board, self._device = board, device

    def step(self, text: str) -> None:
        """Begin a step that cannot be counted."""
        self._board.step(self._device, text)

    def count(self, text: str, done: int, total: int) -> None:
        """Report the progress of a step that can be counted."""
        self._board.count(self._device, text, done, total)


def _step(text: str, work: str) -> str:
    """Return a step without the name of the submission before it."""
    return sanitize_line(text, _NAME_CHARACTERS).removeprefix(f"{work}: ")
