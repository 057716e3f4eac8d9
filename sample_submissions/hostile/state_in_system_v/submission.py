"""Leaves System V objects under a known key, if it can create any; the next run must find none."""

import ctypes

KEY, CREATE = 0x0BADCAFE, 0o1777


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    print("shm", libc.shmget(KEY, 4096, CREATE), ctypes.get_errno())
    print("sem", libc.semget(KEY, 1, CREATE), ctypes.get_errno())
    print("msg", libc.msgget(KEY, CREATE), ctypes.get_errno())
