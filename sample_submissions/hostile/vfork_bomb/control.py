"""Starts a chain of five such processes, which end by themselves."""

import ctypes
import os
import signal

CLONE = 56
CLONE_VFORK = 0x4000


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    depth = 0
    while depth < 5 and libc.syscall(CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        depth += 1
    if depth:
        os._exit(0)
    os.wait()
