"""Locks parts of files, by process and by open file, and leases; each must be refused: it costs the host memory."""

import contextlib
import errno
import fcntl
import os
import struct

COMMANDS = (6, 7, 37, 38)  # F_SETLK, F_SETLKW, F_OFD_SETLK, F_OFD_SETLKW


class Escaped(Exception):
    """A forbidden action succeeded."""


def lock(fd, command, place, kind=fcntl.F_WRLCK):
    """Lock a byte of a file; return the name of the error, or nothing."""
    try:
        fcntl.fcntl(fd, command, struct.pack("hhqqi4x", kind, os.SEEK_SET, place, 1, 0))
    except OSError as error:
        return errno.errorcode[error.errno]
    return ""


def unlearning(net, retain, forget, val):
    fd = os.open("locked", os.O_RDWR | os.O_CREAT)
    for command in COMMANDS:
        if not (answer := lock(fd, command, 2)):
            raise Escaped(f"command {command} of fcntl locked a byte")
        print(command, answer)
    for place in range(0, 2_000, 2):
        if not lock(fd, fcntl.F_SETLK, place) or not lock(fd, 37, place, fcntl.F_RDLCK):
            raise Escaped(f"byte {place} was locked")
    for kind in (fcntl.F_RDLCK, fcntl.F_WRLCK):
        with contextlib.suppress(OSError):
            fcntl.fcntl(os.open(f"leased-{kind}", os.O_RDONLY | os.O_CREAT), fcntl.F_SETLEASE, kind)
            raise Escaped("a lease")
    try:
        os.lockf(fd, os.F_TLOCK, 1)
    except OSError:
        return
    raise Escaped("lockf locked a byte")
