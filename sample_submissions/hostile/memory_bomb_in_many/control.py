"""Allocates 10 MiB in each of eight children."""

import os


def unlearning(net, retain, forget, val):
    for _ in range(8):
        if os.fork() == 0:
            os._exit(len(b"x" * (10 << 20)) >> 20)
    for _ in range(8):
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 10
