"""Has a child that exits by `os._exit(0)`."""

import os


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
