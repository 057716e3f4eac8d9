"""Asks for work on an enormous range of memory in one call; here the ranges are small enough for any host."""

import ctypes
import mmap

MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x4022
PAGE = mmap.PAGESIZE
MINCORE_BYTES = 1 << 35
"""It takes 8 ms; 128 TB, all that a process can map, take half a minute."""
UPPER_HALF = 1 << 32
MADVISE_NUMBERS = (102, 103, 102 | UPPER_HALF)  # MADV_GUARD_INSTALL and MADV_GUARD_REMOVE
PRCTL_NUMBERS = (78, 78 | UPPER_HALF, 77)  # PR_FUTEX_HASH and PR_TIMER_CREATE_RESTORE_IDS
SET_SLOTS = 1

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
LONG = ctypes.c_ulong


class Escaped(Exception):
    """A forbidden action succeeded."""


def reserve(size):
    address = libc.mmap(None, LONG(size), 3, MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, LONG(0))
    assert address not in (None, 2**64 - 1)
    return address


def unlearning(net, retain, forget, val):
    memory, answer = reserve(MINCORE_BYTES), reserve(MINCORE_BYTES // PAGE)
    if libc.mincore(LONG(memory), LONG(MINCORE_BYTES), LONG(answer)) == 0:
        raise Escaped("mincore of 32 GB")
    for advice in MADVISE_NUMBERS:
        if libc.madvise(LONG(memory), LONG(PAGE), LONG(advice)) == 0:
            raise Escaped(f"advice {advice}")
    for option in PRCTL_NUMBERS:
        if libc.prctl(LONG(option), LONG(SET_SLOTS), LONG(16), LONG(0), LONG(0)) == 0:
            raise Escaped(f"option {option} of prctl")
