"""Gives itself another name."""

import ctypes

PR_SET_NAME = 15


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(PR_SET_NAME, b"own", 0, 0, 0)
