"""Writes to its stdout and stderr."""

import os


def unlearning(net, retain, forget, val):
    os.write(1, b"to stdout\n")
    os.write(2, b"to stderr\n")
