"""Ignores and blocks every possible signal, then sleeps; must still be ended at its time limit."""

import signal
import time


def unlearning(net, retain, forget, val):
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        time.sleep(1_000_000)
