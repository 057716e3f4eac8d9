"""Computes for half a second."""

import time


def unlearning(net, retain, forget, val):
    begun = time.monotonic()
    while time.monotonic() - begun < 0.5:
        pass
