"""Registers an exit handler that takes no time."""

import atexit


def unlearning(net, retain, forget, val):
    atexit.register(len, "")
