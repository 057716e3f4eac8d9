"""Passes its stdout to a child and waits for it."""

import os


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        os.write(1, b"from the child\n")
        os._exit(0)
    os.waitpid(child, 0)
