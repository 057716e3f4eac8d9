"""Sleeps for half a second."""

import time


def unlearning(net, retain, forget, val):
    time.sleep(0.5)
