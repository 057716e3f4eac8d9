"""Sends SIGSTOP to its parent, which must be refused, and to itself; a stopped run must end by its time."""

import os
import signal


class Escaped(Exception):
    """What must not succeed did."""


def unlearning(net, retain, forget, val):
    try:
        os.kill(os.getppid(), signal.SIGSTOP)
    except PermissionError:
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    raise Escaped("the parent was stopped")
