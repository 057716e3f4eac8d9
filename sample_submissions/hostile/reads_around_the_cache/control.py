"""Advises how it will read a file, as programs do, and reads it."""

import os
import sys


def unlearning(net, retain, forget, val):
    with open(sys.executable, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
        assert file.read(4) == b"\x7fELF"
