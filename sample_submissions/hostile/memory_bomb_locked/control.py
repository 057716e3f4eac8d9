"""Locks one page, if that is permitted."""

import ctypes
import mmap


def unlearning(net, retain, forget, val):
    block = mmap.mmap(-1, 4096)
    ctypes.CDLL(None).mlock(ctypes.byref(ctypes.c_char.from_buffer(block)), 4096)
