"""Writes through a second descriptor for its own stdout."""

import os


def unlearning(net, retain, forget, val):
    second = os.dup(1)
    os.write(second, b"hello\n")
    os.close(second)
