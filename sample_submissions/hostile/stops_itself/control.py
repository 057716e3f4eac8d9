"""Has a child that stops itself, and continues it."""

import os
import signal


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    os.kill(child, signal.SIGCONT)
    assert os.waitpid(child, 0)[1] == 0
