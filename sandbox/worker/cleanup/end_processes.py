"""Ends every process of a uid, and waits until none is alive; used by the janitor's helpers."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

UNUSED_UID: Final = 59_999
"""A uid that no process has."""
_CLEANUP_SECONDS: Final = 30.0
_LONGEST_PAUSE: Final = 0.02
_MAX_WAITED_FOR: Final = 8
"""So many processes are waited for by themselves; of more, the pause decides when to look again."""


def kill_reports_no_target() -> bool:
    """Return whether `kill(-1)` fails if there is no process that it may signal.

    POSIX requires that, and gVisor does it. Linux fails only if no other process exists at all, but it
    locks its list of processes meanwhile, so that no fork escapes the signal.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(UNUSED_UID, UNUSED_UID, UNUSED_UID)
            os.setresuid(UNUSED_UID, UNUSED_UID, UNUSED_UID)
            os.kill(-1, 0)
        except (ProcessLookupError, PermissionError):
            os._exit(1)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1


def end_processes(uid: int, kill_reports_none: bool, patience_seconds: float = _CLEANUP_SECONDS) -> bool:
    """Send SIGKILL to all processes that this uid may signal, until none of its processes is alive.

    Where `kill` itself reports that none is left, only that report counts. Under gVisor neither this call
    nor a list of processes is a consistent snapshot, and a chain of processes, each of which forks the next
    and ends, escapes both. Dead processes that process 1 has not reaped yet count as alive.

    Args:
        uid: The effective uid of this process.
        kill_reports_none: `kill_reports_no_target`; otherwise the list of processes in ``/proc`` decides.
        patience_seconds: How long to try.

    Returns:
        Whether none is alive.
    """
    started_at = time.monotonic()
    while True:
        try:
            os.kill(-1, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            return True
        alive = [] if kill_reports_none else _alive_as(uid)
        if not kill_reports_none and not alive:
            return True
        waited = time.monotonic() - started_at
        if waited > patience_seconds:
            return False
        _pause(alive, min(max(waited / 8, 0.0005), _LONGEST_PAUSE))


def _pause(processes: list[int], seconds: float) -> None:
    """Wait until these processes have ended, but not for long; without a way to do so, for some seconds."""
    deadline = time.monotonic() + _LONGEST_PAUSE
    try:
        if not 0 < len(processes) <= _MAX_WAITED_FOR:
            raise ProcessLookupError
        for process in processes:
            _wait_for(process, deadline)
    except OSError:  # a kernel without such descriptors, or too many are open
        time.sleep(seconds)


def _wait_for(process: int, deadline: float) -> None:
    with contextlib.suppress(ProcessLookupError):  # it is gone already
        fd = os.pidfd_open(process)
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            poll.poll(max(0.0, deadline - time.monotonic()) * 1000)
        finally:
            os.close(fd)


def _alive_as(uid: int) -> list[int]:
    """Return the processes of a uid that are alive, but for this one."""
    processes = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [process for process in processes if process != os.getpid() and _is_alive_as(uid, process)]


def _is_alive_as(uid: int, process: int) -> bool:
    try:
        lines = Path(f"/proc/{process}/status").read_bytes().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return is_alive(lines) and str(uid).encode() in _values(lines).get(b"Uid", b"").split()


def is_alive(lines: Iterable[bytes]) -> bool:
    """Return whether a process has a thread that is alive, from the lines of its ``status``.

    A process whose first thread has ended is shown as a zombie while its other threads are alive. Those
    have been killed, but may be within a system call that still creates a file.
    """
    values = _values(lines)
    first_thread_ended = values.get(b"State", b"").split()[:1] in ([], [b"Z"], [b"X"])
    return not first_thread_ended or int(values.get(b"Threads", b"0")) > 1


def _values(lines: Iterable[bytes]) -> dict[bytes, bytes]:
    # Bytes, since a process may choose any bytes as its name. A process that ends while its status is
    # read may show only some of the lines, or none.
    prefixes = (b"State:", b"Uid:", b"Threads:")
    return dict(line.split(b":", 1) for line in lines if line.startswith(prefixes))
