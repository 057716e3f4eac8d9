"""Requests a negative nice value, real-time scheduling and I/O priority; must be refused."""

import ctypes
import errno
import os
import resource

IOPRIO_SET = 251
REAL_TIME = (1 << 13) | 0
BEST_EFFORT = (2 << 13) | 0


class Escaped(Exception):
    """A forbidden action succeeded."""


REFUSALS = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EROFS}
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


def refused(what, function, *arguments):
    """Call, and require that it fails for missing permission, not for its arguments."""
    ctypes.set_errno(0)
    if function(*arguments) != -1:
        raise Escaped(f"{what} succeeded")
    if ctypes.get_errno() not in REFUSALS:
        raise Escaped(f"{what} got as far as {errno.errorcode.get(ctypes.get_errno())}")


def unlearning(net, retain, forget, val):
    begun = os.getpriority(os.PRIO_PROCESS, 0)
    for value in (-20, -1, begun - 1):
        try:
            os.setpriority(os.PRIO_PROCESS, 0, value)
        except OSError:
            continue
        raise Escaped(f"nice {value}")
    for policy in (os.SCHED_FIFO, os.SCHED_RR):
        try:
            os.sched_setscheduler(0, policy, os.sched_param(1))
        except OSError:
            continue
        raise Escaped(f"scheduling policy {policy}")
    for process in (1, os.getppid()):
        try:
            os.setpriority(os.PRIO_PROCESS, process, 19)
        except OSError:
            continue
        raise Escaped(f"process {process} was slowed")
    refused("ioprio_set", libc.syscall, IOPRIO_SET, 1, 0, REAL_TIME)
    refused("ioprio_set", libc.syscall, IOPRIO_SET, 1, 0, BEST_EFFORT)
    for name in ("NOFILE", "NPROC", "CORE", "NICE", "RTPRIO", "MEMLOCK"):
        kind = getattr(resource, f"RLIMIT_{name}")
        _soft, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY:
            continue
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
        except (OSError, ValueError):
            continue
        if resource.getrlimit(kind)[1] != hard:  # of core dumps, each change is answered with success
            raise Escaped(f"limit {name} was raised")
        assert name == "CORE"
