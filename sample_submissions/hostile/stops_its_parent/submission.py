"""Sends SIGSTOP to its parent, which must be refused, and to itself; must be ended at its time limit."""

import os
import signal


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    try:
        os.kill(os.getppid(), signal.SIGSTOP)
    except PermissionError:
        os.kill(os.getpid(), signal.SIGSTOP)
        return
    raise Escaped("the parent was stopped")
