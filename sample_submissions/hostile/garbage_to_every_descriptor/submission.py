"""Writes bytes to all its open descriptors; only its own run may be affected, with `protocol`."""

import contextlib
import os


def unlearning(net, retain, forget, val):
    for number in range(1024):
        with contextlib.suppress(OSError):
            os.write(number, b"\xff\x00garbage" * 100)
