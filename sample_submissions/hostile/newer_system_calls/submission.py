"""Makes every system call from cachestat (Linux 6.5) to a number that does not exist yet: none may be known."""

import ctypes
import errno

FIRST, LAST = 451, 600

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for number in (*range(FIRST, LAST), 0x7FFF_FFFF):
        ctypes.set_errno(0)
        answer = libc.syscall(ctypes.c_long(number), -1, None, None, 0, 0, 0)
        if answer != -1 or ctypes.get_errno() not in (errno.ENOSYS, errno.EPERM):
            raise Escaped(f"call {number}: {answer}, {errno.errorcode.get(ctypes.get_errno())}")
