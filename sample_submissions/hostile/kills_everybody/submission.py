"""Kills all processes; the kernel must refuse all but its own, and all others must survive."""

import contextlib
import os
import signal


class Escaped(Exception):
    """A forbidden action succeeded."""


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
                continue  # group 1 means all processes, which was tried
            with contextlib.suppress(OSError):
                os.killpg(process, number)
                raise Escaped(f"signal {number} reached process group {process}")
