"""Creates System V shared memory, semaphores and queues, and POSIX queues; must be refused."""

import ctypes
import errno

CREATE = 0o1000
MQ_OPEN = 240


class Escaped(Exception):
    """A forbidden action succeeded."""


REFUSALS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS}
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def refused(what, function, *arguments):
    """Call, and require that it fails for missing permission, not for its arguments."""
    ctypes.set_errno(0)
    if function(*arguments) != -1:
        raise Escaped(f"{what} succeeded")
    if ctypes.get_errno() not in REFUSALS:
        raise Escaped(f"{what} got as far as {errno.errorcode.get(ctypes.get_errno())}")


def unlearning(net, retain, forget, val):
    refused("shmget", libc.shmget, 0x4F57, 4096, CREATE | 0o600)
    refused("semget", libc.semget, 0x4F57, 1, CREATE | 0o600)
    refused("msgget", libc.msgget, 0x4F57, CREATE | 0o600)
    refused("mq_open", libc.syscall, MQ_OPEN, b"own", 0o100 | 2, 0o600, None)
