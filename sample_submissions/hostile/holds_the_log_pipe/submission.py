"""Writes into the log's pipe in ways that sleep while they hold its lock; must be ended at its time limit.

Other processes keep the pipe full, so that the reader always has something to read and waits for the lock.
"""

import contextlib
import ctypes
import fcntl
import mmap
import os
import socket
import sys
import time

F_SETPIPE_SZ = 1031
libc = ctypes.CDLL(None, use_errno=True)


def unlearning(net, retain, forget, val):
    fcntl.fcntl(1, F_SETPIPE_SZ, 1 << 20)
    started_at = time.monotonic()
    for _ in range(4):
        if os.fork() == 0:
            while time.monotonic() < started_at + 1:
                os.write(1, b"flood " * 40_000)
            os._exit(0)
    for hold in (by_splice, by_sendfile, by_a_write_of_slow_pages):
        if os.fork() == 0:
            time.sleep(0.5)
            with contextlib.suppress(OSError):
                hold()
            os._exit(0)
    time.sleep(1_000_000)


def by_splice():
    """A socket that never has data."""
    empty, _other = socket.socketpair()
    os.splice(empty.fileno(), 1, 4096)


def by_sendfile():
    """A large file that leaves memory again and again."""
    fd = os.open(sys.executable, os.O_RDONLY)
    while True:
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.sendfile(1, fd, 0, 1 << 24)


def by_a_write_of_slow_pages():
    """One byte of each of a thousand pages, which are not in memory."""
    fd = os.open(sys.executable, os.O_RDONLY)
    pages = mmap.mmap(fd, 0, prot=mmap.PROT_READ)
    view = memoryview(pages)
    parts = [view[start : start + 1] for start in range(0, len(view), mmap.PAGESIZE)][:1000]
    while True:
        pages.madvise(mmap.MADV_DONTNEED)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        os.writev(1, parts)
