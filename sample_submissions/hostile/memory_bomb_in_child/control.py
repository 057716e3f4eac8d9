"""Allocates 100 MiB in a child."""

import os


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        kept = [b"x" * (10 << 20) for _ in range(10)]
        os._exit(len(kept))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 10
