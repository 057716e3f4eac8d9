"""Changes odd but permitted settings of its own process; the next run must not notice."""

import ctypes
import os

NO_RANDOMIZE, SET_NAME, SET_CHILD_SUBREAPER, SET_TIMERSLACK, SET_DUMPABLE, SET_PDEATHSIG = (
    0x40000,
    15,
    36,
    29,
    4,
    1,
)


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None)
    libc.personality(NO_RANDOMIZE)
    for option, value in (
        (SET_CHILD_SUBREAPER, 1),
        (SET_TIMERSLACK, 10**9),
        (SET_DUMPABLE, 1),
        (SET_PDEATHSIG, 9),
    ):
        libc.prctl(option, value, 0, 0, 0)
    libc.prctl(SET_NAME, b"sandbox.worker\n", 0, 0, 0)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
