"""Leaves processes in states that end slowly, each in its own session; all must be gone for the next run."""

import os
import signal
import subprocess
import time


def unlearning(net, retain, forget, val):
    for index in range(40):
        if os.fork() == 0:
            os.setsid()
            for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, signal.SIG_IGN)
            if index % 4 == 0:
                os._exit(0)
            if index % 4 == 1:
                subprocess.Popen(["/bin/sleep", "1000"])
                os.kill(os.getpid(), signal.SIGSTOP)
            if index % 4 == 2:
                os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(1000)
