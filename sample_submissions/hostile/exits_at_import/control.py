"""Starts a child during its import; the child exits."""

import os

if (child := os.fork()) == 0:
    os._exit(0)
os.waitpid(child, 0)


def unlearning(net, retain, forget, val):
    return net
