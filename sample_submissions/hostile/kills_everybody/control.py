"""Kills its own process group."""

import os
import signal
import time


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        time.sleep(60)
    while True:
        try:
            os.killpg(child, signal.SIGKILL)
            break
        except ProcessLookupError:
            time.sleep(0.001)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
