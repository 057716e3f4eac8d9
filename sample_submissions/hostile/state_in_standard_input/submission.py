"""Changes the open file of descriptor 0: locks, flags, a signal; the next run must have another open file."""

import contextlib
import fcntl
import os
import struct

F_SETSIG = 10
F_OFD_SETLK = 37
MESSAGE = b"unlearn-hostile: any number of bytes"


def unlearning(net, retain, forget, val):
    fcntl.fcntl(0, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
    with contextlib.suppress(OSError):  # some kernels lack some of them
        fcntl.fcntl(0, F_SETSIG, 37)
    with contextlib.suppress(OSError):
        fcntl.flock(0, fcntl.LOCK_EX)
    for place, byte in enumerate(MESSAGE):
        lock = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, place << 16, 1 + byte, 0)
        with contextlib.suppress(OSError):
            fcntl.fcntl(0, F_OFD_SETLK, lock)
