"""Has a child that reads unmapped memory."""

import ctypes
import os
import signal


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        ctypes.string_at(0)
    status = os.waitpid(child, 0)[1]
    assert os.WTERMSIG(status) == signal.SIGSEGV
    assert not os.WCOREDUMP(status)
