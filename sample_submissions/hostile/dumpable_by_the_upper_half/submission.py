"""Asks to be dumpable with the upper half of a register set, which the kernel ignores; must be refused."""

import contextlib
import ctypes

SYS_PRCTL = 157
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4


class Escaped(Exception):
    """A forbidden action succeeded."""


def rank(process):
    """Return its `oom_score_adj`, the adjustable part of its OOM score."""
    with open(f"/proc/{process}/oom_score_adj") as file:
        return int(file.read())


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    for upper in (1, 2, 1 << 31, (1 << 32) - 1):
        libc.syscall(SYS_PRCTL, ctypes.c_ulong(upper << 32 | PR_SET_DUMPABLE), ctypes.c_ulong(1), 0, 0, 0)
        if libc.prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0:
            with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
                file.write("0")
            raise Escaped(f"it is dumpable; its rank is {rank('self')}, that of process 1 is {rank(1)}")
