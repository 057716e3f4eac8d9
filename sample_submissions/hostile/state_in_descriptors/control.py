"""Opens a hundred files."""

import os


def unlearning(net, retain, forget, val):
    for fd in [os.dup(1) for _ in range(100)]:
        os.close(fd)
