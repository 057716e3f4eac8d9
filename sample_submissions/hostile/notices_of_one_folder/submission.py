"""Asks for notices of changes in a folder by signal (dnotify); each must be refused.

The kernel walks through all notices of a folder to end one of them, and SIGKILL waits for that.
"""

import contextlib
import ctypes
import fcntl
import os

F_NOTIFY = 1026


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    for folder in (".", "/tmp", "/", "/proc"):
        fd = os.open(folder, os.O_RDONLY)
        for events in (fcntl.DN_CREATE, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT):
            with contextlib.suppress(OSError):
                fcntl.fcntl(fd, F_NOTIFY, events)
                raise Escaped(f"a notice of {folder}")
            if libc.fcntl(fd, ctypes.c_ulong(1 << 32 | F_NOTIFY), events) == 0:
                raise Escaped(f"a notice of {folder} by the upper half of an argument")
        os.close(fd)
