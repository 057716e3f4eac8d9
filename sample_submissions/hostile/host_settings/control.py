"""Reads the clock and the host's name."""

import platform
import time


def unlearning(net, retain, forget, val):
    assert time.time() > 1.7e9
    assert platform.node()
