"""Reads where no memory is; must be named by its signal, and leave no core file."""

import ctypes


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: a core file would be allowed
    ctypes.string_at(0)
