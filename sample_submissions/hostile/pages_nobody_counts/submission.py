"""Sends files and devices into sockets and pipes without copying; must be refused.

The kernel takes pages for what a device gives, and no limit counts them: 1.6 GB lay in 800 sockets of a
container with a limit of 0.5 GB.
"""

import contextlib
import ctypes
import os
import socket
import sys

SENDFILE = {"x86_64": 40, "aarch64": 71}


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    number = SENDFILE[os.uname().machine]
    sockets, pipe = socket.socketpair(), os.pipe()
    own = os.open("own", os.O_RDWR | os.O_CREAT, 0o600)
    for name in ("/dev/zero", "/dev/urandom", "/proc/cpuinfo", sys.executable):
        source = os.open(name, os.O_RDONLY)
        for target in (sockets[0].fileno(), pipe[1], own):
            with contextlib.suppress(OSError):
                os.sendfile(target, source, 0, 4096)
                raise Escaped(f"sendfile of {name}")
            if libc.syscall(number, target, source, None, 4096) != -1:
                raise Escaped(f"sendfile of {name} from its place")
