"""Overflows the C stack, which Python cannot catch; must be `crashed`."""

import sys


def unlearning(net, retain, forget, val):
    sys.setrecursionlimit(1 << 30)
    nested = []
    for _ in range(1_000_000):
        nested = [nested]
    repr(nested)
