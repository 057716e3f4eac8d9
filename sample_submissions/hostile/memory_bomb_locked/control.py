"""Locks one page, if it may."""

import ctypes
import mmap


def unlearning(net, retain, forget, val):
    block = mmap.mmap(-1, 4096)
    ctypes.CDLL(None).mlock(ctypes.byref(ctypes.c_char.from_buffer(block)), 4096)
