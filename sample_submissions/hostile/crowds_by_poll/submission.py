"""Waits for 513 files at once by each call that can, and makes sockets that wait at another one.

With 256 threads that wait for 4 096 files each, one byte in the pipe kept a core of the host for 10 ms with
interrupts off, and the next byte for as long. A datagram that does not fit leaves its socket in the list of
who waits at the receiver, without a thread: 80 000 sockets were 11 ms.
"""

import contextlib
import ctypes
import os
import platform
import select
import socket
import struct

MOST = 512
CALLS = {"x86_64": {"select": 23, "pselect6": 270, "ppoll": 271}, "aarch64": {"pselect6": 72, "ppoll": 73}}
FLAGS = (0, socket.SOCK_CLOEXEC, socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
SOCK_RAW = 3

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    read, _write = os.pipe()
    poll = select.poll()
    for fd in [os.dup(read) for _ in range(MOST + 1)]:
        poll.register(fd, select.POLLPRI)
    with contextlib.suppress(OSError):
        poll.poll(0)
        raise Escaped("poll")
    entries = ctypes.create_string_buffer(struct.pack("ihh", read, select.POLLPRI, 0) * (MOST + 1))
    no_time, files = struct.pack("qq", 0, 0), ctypes.create_string_buffer(bytes(1 << 10))
    for name, number in CALLS[platform.machine()].items():
        if name == "ppoll":
            result = libc.syscall(number, entries, MOST + 1, no_time, None, 0)
        else:
            result = libc.syscall(number, MOST + 1, files, None, None, no_time, None)
        if result >= 0:
            raise Escaped(name)
    for make in (socket.socket, socket.socketpair):
        for kind in (socket.SOCK_DGRAM, SOCK_RAW):
            for flags in FLAGS:
                with contextlib.suppress(OSError):
                    make(socket.AF_UNIX, kind | flags)
                    raise Escaped(f"{make.__name__} for datagrams: {kind | flags}")
