"""Run a function in a forked child, as runs are forked, and receive what it returns."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any, Final

from sandbox.worker.fds import close_all_but

_DEATH_SECONDS: Final = 20.0
"""Leaving a context, and freeing what a device holds for it, takes time."""
_PAUSE_SECONDS: Final = 0.002


def call_in_child(function: Callable[[], dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what the function returns in a child of this process.

    Returns:
        Its values, with ``seconds`` from fork to answer; or ``error``, if it raised an exception, ended by a
        signal, or did not answer in time. Then it was killed; one that a driver holds in the kernel is left.
    """
    read, write = os.pipe()
    started_at = time.monotonic()
    process = os.fork()
    if process == 0:
        os.close(read)
        _answer(function, write)
    os.close(write)
    data = _read_all(read, started_at + seconds)
    os.close(read)
    if data is None:
        os.kill(process, signal.SIGKILL)
    status = _end_of(process, _DEATH_SECONDS)
    taken = time.monotonic() - started_at
    if status is None:
        return {"error": f"no end {_DEATH_SECONDS:.0f} s after SIGKILL or the answer", "seconds": taken}
    if data is None:
        return {"error": f"no answer within {seconds:.0f} s", "seconds": taken}
    if not data:
        return {"error": f"ended with exit code {status} and no answer", "seconds": taken}
    values: dict[str, Any] = json.loads(data)
    return {**values, "seconds": taken}


def _end_of(process: int, seconds: float) -> int | None:
    """Return the exit code of a child that ends within so many seconds, or None."""
    deadline = time.monotonic() + seconds
    while True:
        ended, status = os.waitpid(process, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(process, signal.SIGKILL)
            return None
        time.sleep(_PAUSE_SECONDS)


def _answer(function: Callable[[], dict[str, Any]], write: int) -> None:
    try:
        close_all_but(write)
        try:
            values = function()
        except BaseException as error:  # noqa: BLE001 - whatever a rule breaks is the result
            values = {"error": f"{type(error).__name__}: {error}"[:500]}
        os.write(write, json.dumps(values).encode())
    finally:
        os._exit(0)


def _read_all(fd: int, deadline: float) -> bytes | None:
    """Return what arrives until the other end is closed; None if that takes too long."""
    data = b""
    while True:
        if not select.select([fd], [], [], max(0.0, deadline - time.monotonic()))[0]:
            return None
        piece = os.read(fd, 1 << 16)
        if not piece:
            return data
        data += piece
