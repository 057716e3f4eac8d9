"""Each part is measured in a process of its own: whatever it does to itself or a device, the others go on.

A crash, a driver's call that does not return, a broken context and what a library keeps open are gone with
that process. The process that waits calls no driver, so it can always end the measurement in time.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Values = dict[str, Any]
Work = Callable[[Callable[[Values], None]], Values]
"""Measures; gets a function that takes the values so far."""

_TICK_SECONDS: Final = 0.2
_DEATH_SECONDS: Final = 5.0
OVERTIME_SECONDS: Final = 3 * _DEATH_SECONDS
"""Taking what was sent, the end of a part's group and that of its other children may take so much longer."""
_PIECE: Final = 1 << 16
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36


class PartSkippedError(Exception):
    """A part cannot be measured here; the text says why."""


@dataclass(slots=True)
class StopRequest:
    """Whether somebody has asked this program to end."""

    reason: str = ""
    """How; empty as long as nobody has."""


@dataclass(slots=True)
class Outcome:
    """What has become of a part."""

    values: Values = field(default_factory=dict)
    """All that it has measured, or what it had when it ended too soon."""
    error: str = ""
    """Why it ended too soon."""
    skipped: str = ""
    """Why it was not begun."""


def measure_apart(
    work: Work,
    seconds: float,
    request: StopRequest | None = None,
    on_way: Callable[[Values], None] = lambda _values: None,
) -> Outcome:
    """Return what the work returns in a forked child, which is ended after so many seconds, or on request.

    The child's own children are ended with it, also those that have left its process group. ``on_way`` is
    called here, in the parent, with the values so far as soon as they arrive.
    """
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    before = set(_children())
    read, write = os.pipe()
    parent = os.getpid()
    process = os.fork()
    if process == 0:
        os.close(read)
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _serve(work, write, parent)
    os.close(write)
    outcome = Outcome()
    try:
        _Receiver(read, outcome, on_way).take_all(process, seconds, request or StopRequest())
    finally:
        os.close(read)
        _end_group(process)
        _end_children(before)
    return outcome


@contextlib.contextmanager
def stop_on_signals() -> Iterator[StopRequest]:
    """Yield what the usual signals that ask a program to end are noted in."""
    request = StopRequest()

    def stop(number: int, _frame: object) -> None:
        request.reason = f"stopped by {signal.Signals(number).name}"

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield request
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _serve(work: Work, write: int, parent: int) -> None:
    """Do the work in the child, and send lines: values so far, and how it ended."""

    def send(kind: str, content: Values | str) -> None:
        data = json.dumps([kind, content], default=_plain).encode() + b"\n"
        view = memoryview(data)
        while view:
            view = view[os.write(write, view) :]

    try:
        os.setpgid(0, 0)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        if os.getppid() != parent:  # it has ended before this process could ask to end with it
            os._exit(1)
        try:
            send("values", work(lambda values: send("so far", values)))
        except PartSkippedError as reason:
            send("skipped", str(reason))
        except BaseException as error:  # noqa: BLE001 - SystemExit as well: whatever ends a part is its result
            send("error", f"{type(error).__name__}: {error}"[:1000])
    finally:
        os._exit(0)


def _plain(value: object) -> object:
    """Return a number of another library as Python's own, and anything else as text."""
    item = getattr(value, "item", None)
    return item() if callable(item) and getattr(value, "ndim", None) == 0 else str(value)


class _Receiver:
    """Reads what a child sends."""

    def __init__(self, read: int, outcome: Outcome, on_way: Callable[[Values], None]) -> None:
        self._read, self._outcome, self._on_way, self._data = read, outcome, on_way, b""

    def take_all(self, process: int, seconds: float, request: StopRequest) -> None:
        """Take all until the child ends, its time is over, or the program is asked to end."""
        deadline = time.monotonic() + seconds
        while True:
            left, reason = deadline - time.monotonic(), request.reason
            has_ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
            waits = 0.0 if has_ended or reason else min(max(left, 0.0), _TICK_SECONDS)
            piece = self._piece(waits)
            if self._take_lines(piece):
                return
            if (not piece and (has_ended or reason or left <= 0)) or left < -_DEATH_SECONDS:
                stopped = reason or f"stopped after {seconds:.0f} s"
                self._outcome.error = _ending(process) if has_ended else stopped
                return

    def _piece(self, seconds: float) -> bytes:
        """Return what arrives within so many seconds, or nothing."""
        if not select.select([self._read], [], [], seconds)[0]:
            return b""
        if not (piece := os.read(self._read, _PIECE)):  # closed: the process is about to end
            time.sleep(min(seconds, _TICK_SECONDS / 10))
        return piece

    def _take_lines(self, piece: bytes) -> bool:
        """Take the messages that are complete now; return whether one of them is the last."""
        *lines, self._data = (self._data + piece).split(b"\n")
        is_last = False
        for line in lines:
            is_last = _take(json.loads(line), self._outcome) or is_last
        if lines and not is_last:
            self._on_way(self._outcome.values)
        return is_last


def _take(message: list[Any], outcome: Outcome) -> bool:
    """Take one message of the child; return whether it is the last."""
    kind, content = message
    if kind in ("values", "so far"):
        outcome.values = content
    elif kind == "skipped":
        outcome.skipped = content
    else:
        outcome.error = content
    return bool(kind != "so far")


def _ending(process: int) -> str:
    """Return how a child has ended that sent no result."""
    result = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    if result is not None and result.si_code != os.CLD_EXITED:
        return f"its process was ended by {signal.Signals(result.si_status).name}"
    return "its process ended without a result"


def _end_group(process: int) -> None:
    """Kill a child and its process group, and wait a little for it."""
    for kill in (os.killpg, os.kill):  # it may not have made its group yet
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(process, signal.SIGKILL)
    deadline = time.monotonic() + _DEATH_SECONDS
    while not os.waitpid(process, os.WNOHANG)[0] and time.monotonic() < deadline:
        time.sleep(_TICK_SECONDS / 10)


def _end_children(before: set[int]) -> None:
    """Kill the processes that have become this one's children since then, until no more come."""
    deadline = time.monotonic() + _DEATH_SECONDS
    while (others := set(_children()) - before) and time.monotonic() < deadline:
        for other in others:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(other, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(other, os.WNOHANG)
        time.sleep(_TICK_SECONDS / 10)


def _children() -> Iterator[int]:
    """Yield the children of this process."""
    own = str(os.getpid())
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError):
                lines = (folder / "status").read_text(errors="replace").splitlines()
                if f"PPid:\t{own}" in lines:
                    yield int(folder.name)
