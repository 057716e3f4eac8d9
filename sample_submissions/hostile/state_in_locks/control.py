"""Locks a file and releases the lock."""

import fcntl
import os


def unlearning(net, retain, forget, val):
    fd = os.open("/etc/passwd", os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    fcntl.flock(fd, fcntl.LOCK_UN)
