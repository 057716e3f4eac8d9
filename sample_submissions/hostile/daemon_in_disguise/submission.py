"""Leaves daemons with the supervisor's name, or with names that are not text; all must be ended."""

import ctypes
import os
import time

PR_SET_NAME = 15
PR_SET_CHILD_SUBREAPER = 36


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for name in (b"python", b"kthreadd", b"\xff\xfe\nUid:\t0", b") S 0 0 0"):
        if os.fork() == 0:
            os.setsid()
            libc.prctl(PR_SET_NAME, name, 0, 0, 0)
            time.sleep(1_000)
    if os.fork() == 0:
        os.setsid()
        os.execv(
            "/opt/venv/bin/python", ["python", "-c", "import time; time.sleep(1000)", "-m", "sandbox.worker"]
        )
