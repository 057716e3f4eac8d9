"""Starts a chain of ten processes that ends by itself."""

import os


def unlearning(net, retain, forget, val):
    first = os.fork()
    if first == 0:
        for _ in range(9):
            if os.fork():
                os._exit(0)
        os._exit(0)
    os.waitpid(first, 0)
