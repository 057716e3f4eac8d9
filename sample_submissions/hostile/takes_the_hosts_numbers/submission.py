"""Uses up resources that all programs of the host share: contexts of asynchronous I/O and terminals.

gVisor has terminals of its own, which are not the host's.
"""

import contextlib
import ctypes
import os

IO_SETUP = 206


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    context = ctypes.c_ulong(0)
    contexts = sum(libc.syscall(IO_SETUP, 1024, ctypes.byref(context)) == 0 for _ in range(100))
    if contexts:
        raise Escaped(f"{contexts} contexts of asynchronous I/O")
    terminals = 0
    with contextlib.suppress(OSError):
        while terminals < 1_000:
            os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
            terminals += 1
    os.closerange(50, 4_096)  # leave descriptors for the result
    if terminals and not os.path.exists("/proc/sentry-meminfo"):
        raise Escaped(f"{terminals} terminals of the host")
