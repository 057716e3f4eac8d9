"""Makes a short system call of the same kind, and ends."""

import os

BLOCK = bytearray(1 << 20)


def unlearning(net, retain, forget, val):
    fd = os.open("/dev/urandom", os.O_RDONLY)
    os.readv(fd, [BLOCK] * 8)
