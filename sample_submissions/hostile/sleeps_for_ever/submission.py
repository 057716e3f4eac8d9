"""Sleeps for eleven days; ended at its time limit."""

import time


def unlearning(net, retain, forget, val):
    time.sleep(1_000_000)
