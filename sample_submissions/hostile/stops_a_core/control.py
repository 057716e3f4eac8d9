"""Asks which pages of a file are in memory, names itself, and returns memory, as libraries do."""

import ctypes
import mmap
import os

PR_SET_NAME, PR_GET_NAME = 15, 16


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    with open("file", "wb+") as file:
        file.write(bytes(1 << 20))
        memory = mmap.mmap(file.fileno(), 1 << 20)
    address = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    answer = ctypes.create_string_buffer((1 << 20) // mmap.PAGESIZE)
    assert libc.mincore(address, ctypes.c_size_t(1 << 20), answer) == 0, os.strerror(ctypes.get_errno())
    memory.madvise(mmap.MADV_RANDOM)
    assert libc.prctl(PR_SET_NAME, b"control", 0, 0, 0) == 0
    name = ctypes.create_string_buffer(16)
    assert libc.prctl(PR_GET_NAME, name, 0, 0, 0) == 0
    assert name.value == b"control"
