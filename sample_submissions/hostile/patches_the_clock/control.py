"""Measures time with its own clock for a while."""

import time


def unlearning(net, retain, forget, val):
    begun = time.monotonic()
    time.sleep(0.05)
    assert time.monotonic() - begun >= 0.05
