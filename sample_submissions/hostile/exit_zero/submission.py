"""Exits by `os._exit(0)`; a good exit code must not count as a result."""

import os


def unlearning(net, retain, forget, val):
    os._exit(0)
