"""Asks the kernel to move memory, a file in memory and a file of the image out of memory."""

import ctypes
import mmap
import os

ADVICE = (20, 21)  # MADV_COLD and MADV_PAGEOUT


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    size = 1 << 20
    shared = os.open("/dev/shm/own", os.O_RDWR | os.O_CREAT)
    os.truncate(shared, size)
    image = os.open(os.__file__, os.O_RDONLY)
    maps = (
        mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS),
        mmap.mmap(shared, size),
        mmap.mmap(image, mmap.PAGESIZE, mmap.MAP_PRIVATE),
    )
    for number, memory in enumerate(maps):
        memory[:1] = b"x"
        address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        for advice in ADVICE:
            # The kernel reads the lower half of the last argument only.
            for value in (advice, advice | 1 << 32):
                length = ctypes.c_size_t(mmap.PAGESIZE)
                if libc.madvise(ctypes.c_void_p(address), length, ctypes.c_ulong(value)) == 0:
                    raise Escaped(f"advice {value} about memory {number}")
