"""Reads unmapped memory; the verdict must name the signal, and no core file may remain."""

import ctypes


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: a core file would be allowed
    ctypes.string_at(0)
