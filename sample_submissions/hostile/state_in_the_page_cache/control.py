"""Reads the same part of the file, all of it."""

import glob
import os

FILE = "/opt/venv/lib/python3*/site-packages/nvidia/*/lib/libcufft.so*"


def unlearning(net, retain, forget, val):
    fd = os.open(glob.glob(FILE)[0], os.O_RDONLY)
    assert len(os.pread(fd, 1 << 20, 64 << 20)) == 1 << 20
