"""Asks for what all programs of the host share or count together; all must be refused."""

import contextlib
import ctypes
import errno
import mmap
import os
import socket

MAP_HUGETLB, MADV_MERGEABLE = 0x40000, 12
PR_SCHED_CORE, PR_SET_MEMORY_MERGE = 62, 67
SO_COOKIE, SO_NETNS_COOKIE = 57, 71
VMSPLICE = {"x86_64": 278, "aarch64": 75}
TEE = {"x86_64": 276, "aarch64": 77}

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    machine = os.uname().machine
    with contextlib.suppress(OSError):
        mmap.mmap(-1, 1 << 21, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_HUGETLB)
        raise Escaped("a reserved huge page")
    with contextlib.suppress(OSError):
        mmap.mmap(-1, 1 << 16).madvise(MADV_MERGEABLE)
        raise Escaped("pages that the kernel merges")
    for option in (PR_SCHED_CORE, PR_SET_MEMORY_MERGE):
        if libc.prctl(option, 1, 0, 0, 0) == 0:
            raise Escaped(f"prctl {option}")
    one, _other = socket.socketpair()
    for option in (SO_COOKIE, SO_NETNS_COOKIE):
        with contextlib.suppress(OSError):
            one.getsockopt(socket.SOL_SOCKET, option, 8)
            raise Escaped(f"cookie {option}")
    read, write = os.pipe()
    os.write(write, b"data")
    with contextlib.suppress(OSError):
        os.splice(read, os.open("own", os.O_RDWR | os.O_CREAT, 0o600), 4)
        raise Escaped("splice")
    for number in (VMSPLICE[machine], TEE[machine]):
        ctypes.set_errno(0)
        if libc.syscall(number, write, b"", 0, 0) != -1 or ctypes.get_errno() != errno.EINVAL:
            raise Escaped("vmsplice or tee comes to the kernel")
