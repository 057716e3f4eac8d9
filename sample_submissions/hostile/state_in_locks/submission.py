"""Locks files of the image, in a daemon and by descriptors in flight; the next run must find them free."""

import errno
import fcntl
import os
import socket
import time

FILES = (
    "/etc/passwd",
    "/opt/unlearn/sandbox/worker/child.py",
    "/tmp",
    "/dev/shm",
    "/dev/null",
)


def unlearning(net, retain, forget, val):
    fds = [os.open(name, os.O_RDONLY) for name in FILES]
    for fd in fds:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno != errno.ENOLCK:  # gVisor locks no files of the image
                raise
    pair = socket.socketpair()
    socket.send_fds(pair[0], [b"x"], [*fds, pair[0].fileno(), pair[1].fileno()])
    if os.fork() == 0:
        os.setsid()
        time.sleep(1_000)
