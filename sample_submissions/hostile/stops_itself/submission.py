"""Stops itself and eight children with SIGSTOP; a stopped process must be ended at the time limit, too."""

import os
import signal


def unlearning(net, retain, forget, val):
    for _ in range(8):
        if os.fork() == 0:
            break
    while True:
        os.kill(os.getpid(), signal.SIGSTOP)
