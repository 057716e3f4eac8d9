"""Sleeps for eleven days; must be ended at its time limit."""

import time


def unlearning(net, retain, forget, val):
    time.sleep(1_000_000)
