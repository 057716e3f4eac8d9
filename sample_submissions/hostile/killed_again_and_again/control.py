"""Has a hundred children that use a little memory and end by themselves."""

import os


def unlearning(net, retain, forget, val):
    for _ in range(100):
        child = os.fork()
        if child == 0:
            b"x" * (1 << 20)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
