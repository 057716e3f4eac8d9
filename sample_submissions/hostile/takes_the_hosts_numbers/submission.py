"""Uses up resources that all programs of the host share; the host's counters must not change.

gVisor has neither the counters nor the host's objects behind them.
"""

import contextlib
import ctypes
import os
from pathlib import Path

IO_SETUP = 206
COUNTERS = ("/proc/sys/fs/aio-nr", "/proc/sys/kernel/pty/nr")


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    before = counts()
    libc = ctypes.CDLL(None)
    for _ in range(100):
        libc.syscall(IO_SETUP, 1024, ctypes.byref(ctypes.c_ulong(0)))
    with contextlib.suppress(OSError):
        for _ in range(4_000):
            os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    for name, count in counts().items():
        if count - before[name] > 1_000:
            raise Escaped(f"{name} went from {before[name]} to {count}")


def counts():
    return {name: int(Path(name).read_text()) for name in COUNTERS if os.path.exists(name)}
