"""Waits with epoll and with signals, and at 128 words of memory at once: all without a useful limit."""

import contextlib
import ctypes
import errno
import fcntl
import os
import select
import struct

FIOASYNC = 0x5452
FUTEX_WAITV, FUTEX_32 = 449, 2


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    read, _write = os.pipe()
    with contextlib.suppress(OSError):
        select.epoll().register(read)
        raise Escaped("epoll")
    if ctypes.CDLL(None).epoll_create(1) >= 0:
        raise Escaped("the older call for epoll")
    flags = fcntl.fcntl(read, fcntl.F_GETFL)
    for value in (os.O_ASYNC, flags | os.O_ASYNC, os.O_ASYNC | os.O_NONBLOCK | os.O_APPEND):
        with contextlib.suppress(OSError):
            fcntl.fcntl(read, fcntl.F_SETFL, value)
            raise Escaped("signals by F_SETFL")
    with contextlib.suppress(OSError):
        fcntl.ioctl(read, FIOASYNC, struct.pack("i", 1))
        raise Escaped("signals by ioctl")
    words = ctypes.create_string_buffer(4)
    waiters = struct.pack("QQII", 1, ctypes.addressof(words), FUTEX_32, 0) * 128
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(FUTEX_WAITV, waiters, 128, 0, None, 0) >= 0 or ctypes.get_errno() != errno.ENOSYS:
        raise Escaped("128 words of memory at once")
