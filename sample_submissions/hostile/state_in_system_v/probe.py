"""Searches for System V objects under the known key."""

import ctypes

KEY = 0x0BADCAFE


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    found = {"shm": libc.shmget(KEY, 1, 0), "sem": libc.semget(KEY, 1, 0), "msg": libc.msgget(KEY, 0)}
    if left := [name for name, identity in found.items() if identity >= 0]:
        raise Escaped(f"System V {left}")
