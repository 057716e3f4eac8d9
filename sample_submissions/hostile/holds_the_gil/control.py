"""Does the same for 0.3 seconds."""

import ctypes


def unlearning(net, retain, forget, val):
    ctypes.PyDLL(None).usleep(300_000)
