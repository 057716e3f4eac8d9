"""Handles the signal of an abort."""

import signal


def unlearning(net, retain, forget, val):
    seen = []
    signal.signal(signal.SIGABRT, lambda *_: seen.append(True))
    signal.raise_signal(signal.SIGABRT)
    assert seen
