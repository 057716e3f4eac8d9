"""Asks which filters of system calls apply to it, and makes a call that is refused."""

import ctypes

PR_GET_SECCOMP = 21


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_GET_SECCOMP, 0, 0, 0, 0) in (2, -1)
    assert libc.unshare(0x10000000) == -1
