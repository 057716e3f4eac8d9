"""Adds filters that allow everything, and one that notifies itself; denied calls must stay denied."""

import ctypes
import errno
import os

SET_SECCOMP, FILTER, SECCOMP, NEW_LISTENER = 22, 2, 317, 8
RETURN, ALLOW = 0x06, 0x7FFF0000


class Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction)))


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
    program = Program(1, ctypes.pointer(Instruction(RETURN, 0, 0, ALLOW)))
    for _ in range(3):
        libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0)
        libc.syscall(SECCOMP, 1, 0, ctypes.byref(program))
    if libc.prctl(SET_SECCOMP, 0, 0, 0, 0) != -1:
        raise Escaped("seccomp was turned off")
    refused("unshare", libc.unshare, 0x10000000)
    refused("mount", libc.mount, b"none", b"/tmp", b"tmpfs", 0, None)
    refused("keyctl", libc.syscall, 250, 0, -3, 1)
    with open("/proc/self/status") as file:
        if "Seccomp:\t2\n" not in file.read():
            raise Escaped("there is no filter")
    assert os.getpid()
