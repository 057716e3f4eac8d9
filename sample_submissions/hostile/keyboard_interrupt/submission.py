"""Interrupts itself; only its own run may end."""

import signal
import time


def unlearning(net, retain, forget, val):
    signal.raise_signal(signal.SIGINT)
    time.sleep(1)
