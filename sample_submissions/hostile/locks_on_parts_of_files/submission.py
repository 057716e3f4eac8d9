"""Locks files and parts of them, by process and by open file, and takes leases; nothing may be locked.

A lock costs the host memory that no limit counts. Whether one exists is asked from another process.
"""

import contextlib
import fcntl
import os
import struct

COMMANDS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW


class Escaped(Exception):
    """A forbidden action succeeded."""


def request(place, kind=fcntl.F_WRLCK):
    return struct.pack("hhqqi4x", kind, os.SEEK_SET, place, 1, 0)


def unlearning(net, retain, forget, val):
    fd = os.open("locked", os.O_RDWR | os.O_CREAT)
    for command in COMMANDS:
        fcntl.fcntl(fd, command, request(2))
    for place in range(0, 2_000, 2):
        fcntl.fcntl(fd, fcntl.F_SETLK, request(place))
        fcntl.fcntl(fd, 37, request(place, fcntl.F_RDLCK))
    os.lockf(fd, os.F_TLOCK, 1)
    fcntl.flock(fd, fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:
        os._exit(is_locked())
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise Escaped("a lock exists")
    for kind in (fcntl.F_RDLCK, fcntl.F_WRLCK):
        with contextlib.suppress(OSError):
            fcntl.fcntl(os.open(f"leased-{kind}", os.O_RDONLY | os.O_CREAT), fcntl.F_SETLEASE, kind)
            raise Escaped("a lease")


def is_locked():
    """Return whether another process's open file sees a lock."""
    fd = os.open("locked", os.O_RDWR)
    for place in (0, 2, 1_000):
        asked = fcntl.fcntl(fd, fcntl.F_GETLK, request(place))
        if struct.unpack("hhqqi4x", asked)[0] != fcntl.F_UNLCK:
            return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False
