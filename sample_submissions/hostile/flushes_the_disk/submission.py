"""Writes back every file that it can open, by every call; none may reach the host's disk.

The kernel refuses to write back a pipe, or a file that is not open. Where the calls succeed for these, too,
they never came to the kernel.
"""

import ctypes
import os
import sys

FILES = (
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/passwd",
    sys.executable,
    "/opt/unlearn",
    "/",
)

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in FILES:
        try:
            fd = os.open(name, os.O_RDONLY)
        except OSError:
            continue
        for call in calls_on(fd):
            call()
        os.close(fd)
    os.sync()
    pipe, _ = os.pipe()
    for call in calls_on(pipe):
        if call() != 0:
            raise Escaped("a call that writes back comes to the kernel")
    if libc.syncfs(-1) != 0:
        raise Escaped("syncfs comes to the kernel")


def calls_on(fd):
    """Return every call that writes back an open file."""
    return (
        lambda: libc.fsync(fd),
        lambda: libc.fdatasync(fd),
        lambda: libc.sync_file_range(fd, ctypes.c_long(0), ctypes.c_long(0), 7),
    )
