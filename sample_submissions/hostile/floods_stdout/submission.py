"""Prints 2 GB; head and tail are kept, the rest is counted, and nobody's memory or disk fills."""

import os


def unlearning(net, retain, forget, val):
    block = b"all work and no play\n" * 50_000
    for _ in range(2_000):
        os.write(1, block)
