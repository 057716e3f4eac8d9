"""Starts a child that suspends its parent while it lives, and that sleeps with signals blocked.

Must be ended in time.
"""

import ctypes
import signal
import time

CLONE = 56
CLONE_VFORK = 0x4000


def unlearning(net, retain, forget, val):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(CLONE, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0) == 0:
        time.sleep(1_000_000)
    raise RuntimeError("was not suspended")
