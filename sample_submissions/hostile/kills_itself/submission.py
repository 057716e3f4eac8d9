"""Kills itself; must be `crashed`, and neither a memory nor a time limit."""

import os
import signal


def unlearning(net, retain, forget, val):
    os.kill(os.getpid(), signal.SIGKILL)
