"""Make many objects of the kernel, of one kind after another, while the host measures what they cost it.

    host ── kind number ──>   <── objects made ── container;   host ── (empty line) ──>   <── 0 ──

A limit on memory includes an object of the kernel only if the kernel counts it. Each kind is made by a few
processes that dropped their privileges as a run does, with its filter of system calls; an empty line ends
them. `runner.doctor.kernel_memory` measures in the meantime.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import struct
import sys
import time
from collections.abc import Callable
from typing import Final

from sandbox.seccomp import install, program
from sandbox.worker.kernel_objects import KINDS

PROCESSES: Final = 12
_UID: Final = 50_000
_PR_SET_NO_NEW_PRIVS: Final = 38
_LONG_SECONDS: Final = 1e9

_libc: Final = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Serve until stdin ends.

    Raises:
        SystemExit: this is not process 1 of a container.
    """
    _require_process_1()
    if _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs was refused")
    instructions = program()
    for line in sys.stdin:
        kind, _space, number = line.strip().rpartition(" ")
        serve_kind(kind, int(number), instructions)


def serve_kind(kind: str, number: int, instructions: bytes) -> None:
    """Make objects of a kind, wait for a line and end them.

    Args:
        kind: A name in `KINDS`.
        number: The number for each process; 0 for that in `KINDS`.
        instructions: The filter of system calls.

    Raises:
        SystemExit: this is not process 1 of a container.
    """
    _require_process_1()
    make, most = KINDS[kind]
    read, write = os.pipe()
    for _ in range(PROCESSES):
        if os.fork() == 0:
            _make_objects(make, number or most, write, instructions)
    objects = sum(struct.unpack("i", os.read(read, 4))[0] for _ in range(PROCESSES))
    _answer(objects)
    sys.stdin.readline()
    _require_process_1()
    os.kill(-1, signal.SIGKILL)  # everybody else in the container
    with contextlib.suppress(ChildProcessError):
        while os.wait():
            pass
    os.close(read)
    os.close(write)
    _answer(0)


def _require_process_1() -> None:
    """Refuse to go on where `kill(-1)` would end all processes of a user, or of a host."""
    if os.getpid() != 1:
        raise SystemExit("This program ends all other processes; it runs as process 1 of a container only.")


def _answer(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _make_objects(make: Callable[[int], object], number: int, write: int, instructions: bytes) -> None:
    objects = 0
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (1000, 1000))
        os.setgroups([])
        os.setresgid(_UID, _UID, _UID)
        os.setresuid(_UID, _UID, _UID)
        install(instructions)
        with contextlib.suppress(OSError, RuntimeError):
            for index in range(number):
                make(index)
                objects += 1
    finally:
        os.write(write, struct.pack("i", objects))
        time.sleep(_LONG_SECONDS)


if __name__ == "__main__":
    main()
