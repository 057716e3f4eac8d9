"""Looks for the names, the lock and the file."""

import fcntl
import os
import socket


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    with open("/proc/self/net/unix", errors="replace") as sockets:
        if names := sockets.read().count("unlearn-hostile"):
            raise Escaped(f"{names} names of an earlier run")
    try:
        socket.socket(socket.AF_UNIX).bind("\0unlearn-hostile-0")
    except OSError:
        raise Escaped("a name is in use") from None
    try:
        fcntl.flock(os.open("/etc/passwd", os.O_RDONLY), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Escaped("a lock of an earlier run") from None
    except OSError:  # gVisor locks no files of the image
        pass
    disk = os.statvfs("/dev/shm")
    if (used := (disk.f_blocks - disk.f_bfree) * disk.f_bsize) > 1 << 20:
        raise Escaped(f"{used} bytes of an earlier run in /dev/shm")
