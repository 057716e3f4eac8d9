"""Objects that the kernel keeps of a process that has ended, for whoever holds a descriptor of it."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from typing import Final

_PIDFD_OPEN: Final = 434

_libc: Final = ctypes.CDLL(None, use_errno=True)


def hold_process(_index: int) -> None:
    """Hold a process by its number: with how it ended."""
    _hold_ended(lambda process: int(_libc.syscall(_PIDFD_OPEN, process, 0)))


def hold_memory(_index: int) -> None:
    """Hold the kernel's record of a process's memory, of which the memory itself is gone."""
    _hold_ended(lambda process: os.open(f"/proc/{process}/maps", os.O_RDONLY))


def _hold_ended(hold: Callable[[int], int]) -> None:
    """Fork a process, get a descriptor of it while it waits, and let it end."""
    read_fd, write_fd = os.pipe()
    process = os.fork()
    if process == 0:
        os.close(write_fd)
        os.read(read_fd, 1)
        os._exit(0)
    os.close(read_fd)
    try:
        descriptor = hold(process)
    finally:
        os.close(write_fd)
        os.waitpid(process, 0)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), "refused")


KINDS: Final[dict[str, tuple[Callable[[int], object], int]]] = {
    "process that has ended": (hold_process, 1000),
    "memory of a process that has ended": (hold_memory, 1000),
}
"""As in `sandbox.worker.kernel_objects`."""
