"""Sleeps in C code that holds the interpreter's lock, so that no Python code can run.

Must be ended at its time limit.
"""

import ctypes


def unlearning(net, retain, forget, val):
    while True:  # a signal ends the call, and the run's own timer sends one shortly before the limit
        ctypes.PyDLL(None).sleep(1_000_000)
