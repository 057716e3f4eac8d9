"""Prints 2 GB; head and tail must be stored and the rest counted, without filling memory or disk."""

import os


def unlearning(net, retain, forget, val):
    block = b"all work and no play\n" * 50_000
    for _ in range(2_000):
        os.write(1, block)
