"""Limits its own child."""

import os
import resource
import signal
import time


def unlearning(net, retain, forget, val):
    child = os.fork()
    if child == 0:
        time.sleep(60)
    resource.prlimit(child, resource.RLIMIT_NOFILE, (64, 64))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
