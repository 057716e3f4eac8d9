"""Kills itself; must be `crashed`, not a memory or time limit."""

import os
import signal


def unlearning(net, retain, forget, val):
    os.kill(os.getpid(), signal.SIGKILL)
