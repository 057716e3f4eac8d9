"""Makes a permitted system call from a page of machine code."""

import ctypes
import mmap
import os


def unlearning(net, retain, forget, val):
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x27\x00\x00\x00" + b"\x0f\x05" + b"\xc3")  # getpid
    assert ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(page)))() == os.getpid()
