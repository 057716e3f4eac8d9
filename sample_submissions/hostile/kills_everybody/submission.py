"""Kills all; the kernel must refuse all but its own, and the next run must find everybody alive."""

import contextlib
import os
import signal


class Escaped(Exception):
    """What must not succeed did."""


def unlearning(net, retain, forget, val):
    for number in (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(OSError):
            os.kill(-1, number)
        for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
            if process == os.getpid():
                continue
            with contextlib.suppress(OSError):
                os.kill(process, number)
                raise Escaped(f"signal {number} reached process {process}")
            if process == 1:
                continue  # group 1 means everybody, which was tried
            with contextlib.suppress(OSError):
                os.killpg(process, number)
                raise Escaped(f"signal {number} reached process group {process}")
