"""Fills one pipe and empties it."""

import contextlib
import os


def unlearning(net, retain, forget, val):
    read, write = os.pipe2(os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4096))
    with contextlib.suppress(BlockingIOError):
        while os.read(read, 4096):
            pass
