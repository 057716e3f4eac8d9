"""Makes timers with a descriptor, and asks for the limit of the others and of signals that wait."""

import ctypes
import resource

MOST = 4096


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    if ctypes.CDLL(None).timerfd_create(1, 0) >= 0:
        raise Escaped("a timer with a descriptor")
    soft, hard = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    if not 0 <= soft <= hard <= MOST:
        raise Escaped(f"{hard} signals may wait")
