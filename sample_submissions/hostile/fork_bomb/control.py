"""Forks eight children and waits for them, which is allowed."""

import os


def unlearning(net, retain, forget, val):
    for _ in range(8):
        if os.fork() == 0:
            os._exit(0)
    for _ in range(8):
        os.wait()
