"""Starts such a child, which exits at once."""

import ctypes
import os
import signal

CLONE = 56
CLONE_VFORK = 0x4000


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    child = libc.syscall(CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0)
    if child == 0:
        os._exit(0)
    assert child > 0
    os.waitpid(child, 0)
