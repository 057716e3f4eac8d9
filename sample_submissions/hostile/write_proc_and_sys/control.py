"""Reads the same settings, and changes a setting of its own."""

import ctypes
import os
from pathlib import Path


def unlearning(net, retain, forget, val):
    assert Path("/proc/stat").read_text()
    Path(f"/proc/{os.getpid()}/task/{os.getpid()}/comm").read_text()
    ctypes.CDLL(None).prctl(15, b"own-name", 0, 0, 0)  # PR_SET_NAME
    assert Path("/proc/self/comm").read_text() == "own-name\n"
