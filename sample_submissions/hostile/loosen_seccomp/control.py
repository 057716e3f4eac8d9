"""Adds a filter that denies itself one system call."""

import ctypes
import errno
import os

SET_SECCOMP, FILTER = 22, 2
LOAD, EQUAL, RETURN, ALLOW, FAIL = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00050000
SYNC = 162


class Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("yes", ctypes.c_uint8),
        ("no", ctypes.c_uint8),
        ("k", ctypes.c_uint32),
    )


class Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction)))


def unlearning(net, retain, forget, val):
    steps = (Instruction * 4)(
        *((LOAD, 0, 0, 0), (EQUAL, 0, 1, SYNC), (RETURN, 0, 0, FAIL | errno.EXDEV), (RETURN, 0, 0, ALLOW))
    )
    program = Program(4, ctypes.cast(steps, ctypes.POINTER(Instruction)))
    libc = ctypes.CDLL(None, use_errno=True)
    if os.fork() == 0:
        assert libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(program), 0, 0) == 0
        os._exit(0 if libc.syscall(SYNC) == -1 and ctypes.get_errno() == errno.EXDEV else 1)
    assert os.wait()[1] == 0
