"""Shares memory with a child, as data loaders do."""

import mmap
import os


def unlearning(net, retain, forget, val):
    shared = mmap.mmap(-1, 4096)
    child = os.fork()
    if child == 0:
        shared[:3] = b"own"
        os._exit(0)
    os.waitpid(child, 0)
    assert shared[:3] == b"own"
