"""Waits at a pipe with epoll and with signals: both without a limit to their number."""

import contextlib
import ctypes
import fcntl
import os
import select
import struct

FIOASYNC = 0x5452


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
