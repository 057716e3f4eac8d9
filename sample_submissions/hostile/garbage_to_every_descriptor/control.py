"""Writes to the two descriptors that are for it."""

import os


def unlearning(net, retain, forget, val):
    os.write(1, b"to stdout\n")
    os.write(2, b"to stderr\n")
