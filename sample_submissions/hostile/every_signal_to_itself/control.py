"""Ignores every signal that can be ignored and sends them all to itself."""

import contextlib
import signal


def unlearning(net, retain, forget, val):
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        with contextlib.suppress(OSError):
            signal.signal(number, signal.SIG_IGN)
            signal.raise_signal(number)
