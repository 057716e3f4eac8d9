"""Leaves by `os._exit(0)`; a good exit code must not pass for a result."""

import os


def unlearning(net, retain, forget, val):
    os._exit(0)
