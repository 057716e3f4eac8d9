"""Allocates all memory in a child. The kernel ends the child; a surviving run has a valid result."""

import os
import signal


class Escaped(Exception):
    pass


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        kept = []
        while True:
            kept.append(b"x" * (16 << 20))
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
        raise Escaped(f"the child ended with status {status}")
