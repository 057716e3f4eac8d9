"""Forks without end; the process limit must hold, the run be ended, and the next run be unaffected."""

import os


def unlearning(net, retain, forget, val):
    while True:
        try:
            os.fork()
        except OSError:
            continue  # the limit is reached: retry at once
