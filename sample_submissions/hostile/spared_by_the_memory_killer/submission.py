"""Lowers its own OOM score below the supervisor's; the supervisor must not become the first victim."""

import contextlib
import ctypes


class Escaped(Exception):
    """A forbidden action succeeded."""


def rank(process):
    """Return its `oom_score_adj`, the adjustable part of its OOM score."""
    with open(f"/proc/{process}/oom_score_adj") as file:
        return int(file.read())


def unlearning(net, retain, forget, val):
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: the files of its own in /proc become accessible
    for value in (-1000, -500, -1, 0, rank(1)):
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
            file.write(str(value))
    if rank("self") <= rank(1):
        raise Escaped(f"its rank is {rank('self')}, that of process 1 is {rank(1)}")
