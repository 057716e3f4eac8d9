"""Reads the locks, flags and signal of the run before, which must not exist."""

import contextlib
import fcntl
import os
import struct

F_GETSIG = 11
F_OFD_GETLK = 36


class Escaped(Exception):
    """A forbidden action succeeded."""


def lock_at(fd, place):
    """Return the byte that an earlier run's lock encodes at this position, or nothing."""
    asked = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, place << 16, 1, 0)
    try:
        kind, _whence, _start, length, _pid = struct.unpack("hhqqi4x", fcntl.fcntl(fd, F_OFD_GETLK, asked))
    except OSError:  # some kernels lack such locks
        return b""
    return b"" if kind == fcntl.F_UNLCK else bytes([length - 1 & 0xFF])


def unlearning(net, retain, forget, val):
    fd = os.open("/dev/null", os.O_RDWR)
    if read := b"".join(lock_at(fd, place) for place in range(64)):
        raise Escaped(f"an earlier run says {read!r}")
    if found := fcntl.fcntl(0, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND):
        raise Escaped(f"descriptor 0 has the flags {found:o}")
    with contextlib.suppress(OSError):
        if found := fcntl.fcntl(0, F_GETSIG):
            raise Escaped(f"descriptor 0 has the signal {found}")
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Escaped("/dev/null is locked") from None
    except OSError as error:
        print(error)
