"""Catches the same interrupt."""

import signal


def unlearning(net, retain, forget, val):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        return net
    raise AssertionError("no interrupt came")
