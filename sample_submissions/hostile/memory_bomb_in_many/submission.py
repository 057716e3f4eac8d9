"""Allocates all memory in 24 children, each smaller than the sandbox's own helper processes.

The helper processes must survive.
"""

import os
import time


def unlearning(net, retain, forget, val):
    for _ in range(24):
        if os.fork() == 0:
            kept = []
            for _ in range(100):
                kept.append(b"x" * (1 << 20))
                time.sleep(0.001)
            time.sleep(1_000)
    kept = []
    for _ in range(2_000):
        kept.append(b"x" * (1 << 20))
        time.sleep(0.001)
