"""Loads code into its own process."""

import ctypes


def unlearning(net, retain, forget, val):
    assert ctypes.CDLL("libm.so.6").abs(-3) == 3
