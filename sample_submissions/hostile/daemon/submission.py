"""Leaves six daemons: two forks, a session of their own, every signal ignored, every file closed.

All must be ended.
"""

import os
import signal
import time


def unlearning(net, retain, forget, val):
    for _ in range(6):
        child = os.fork()
        if child:
            os.waitpid(child, 0)
            continue
        os.setsid()
        if os.fork():
            os._exit(0)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        os.closerange(0, 4096)
        while True:
            time.sleep(1_000)
