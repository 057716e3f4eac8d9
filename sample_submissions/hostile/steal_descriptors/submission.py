"""Takes descriptors of the supervisor and the zygote, among them the stream's; must be refused."""

import ctypes
import os

PIDFD_GETFD = 438


class Escaped(Exception):
    """A forbidden action succeeded."""


def others():
    """Return all processes except this one."""
    return [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for process in map(int, others()):
        try:
            handle = os.pidfd_open(process)
        except OSError:
            handle = -1
        for number in range(32):
            if handle >= 0 and libc.syscall(PIDFD_GETFD, handle, number, 0) >= 0:
                raise Escaped(f"descriptor {number} of process {process}")
            for mode in (os.O_RDONLY, os.O_WRONLY):
                try:
                    os.open(f"/proc/{process}/fd/{number}", mode | os.O_NONBLOCK)
                except OSError:
                    continue
                raise Escaped(f"/proc/{process}/fd/{number}")
        if handle >= 0:
            os.close(handle)
