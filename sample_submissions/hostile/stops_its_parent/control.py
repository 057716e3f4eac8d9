"""Stops itself and is continued by a child."""

import os
import signal
import time


def unlearning(net, retain, forget, val):
    own, child = os.getpid(), os.fork()
    if child == 0:
        while True:
            os.kill(own, signal.SIGCONT)
            time.sleep(0.01)
    os.kill(own, signal.SIGSTOP)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
