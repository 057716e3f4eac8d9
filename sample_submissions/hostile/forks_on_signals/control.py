"""Forks once on one signal, and waits for the child."""

import os
import signal


def once(_number, _frame):
    if os.fork() == 0:
        os._exit(0)


def unlearning(net, retain, forget, val):
    signal.signal(signal.SIGUSR1, once)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert os.wait()[1] == 0
