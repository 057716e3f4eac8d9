"""Run a function in a forked child, as runs are forked, and receive what it returns."""

from __future__ import annotations

import json
import os
import select
import signal
import time
from collections.abc import Callable
from typing import Any

from sandbox.worker.fds import close_all_but


def call_in_child(function: Callable[[], dict[str, Any]], seconds: float) -> dict[str, Any]:
    """Return what the function returns in a child of this process.

    Returns:
        Its values, with ``seconds`` from fork to answer; or ``error``, if it raised an exception, ended by a
        signal, or did not answer in time. Then it was killed.
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
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    taken = time.monotonic() - started_at
    if data is None:
        return {"error": f"no answer within {seconds:.0f} s", "seconds": taken}
    if not data:
        return {"error": f"ended with exit code {status} and no answer", "seconds": taken}
    values: dict[str, Any] = json.loads(data)
    return {**values, "seconds": taken}


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
