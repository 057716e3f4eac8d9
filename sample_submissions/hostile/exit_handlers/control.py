"""Registers an exit handler that returns at once."""

import atexit


def unlearning(net, retain, forget, val):
    atexit.register(len, "")
