"""Writes 16 MiB into such a file."""

import os


def unlearning(net, retain, forget, val):
    fd = os.memfd_create("own")
    assert os.write(fd, b"x" * (16 << 20)) == 16 << 20
    os.close(fd)
