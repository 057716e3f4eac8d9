"""Lowers its own rank for the memory killer below the supervisor's; the supervisor must stay the worse victim."""

import contextlib
import ctypes


class Escaped(Exception):
    """What must not succeed did."""


def rank(process):
    """Return how much the kernel prefers it as a victim, before its size."""
    with open(f"/proc/{process}/oom_score_adj") as file:
        return int(file.read())


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: its own files in /proc become its own
    for value in (-1000, -500, -1, 0, rank(1)):
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(value))
    if rank("self") <= rank(1):
        raise Escaped(f"its rank is {rank('self')}, that of process 1 is {rank(1)}")
