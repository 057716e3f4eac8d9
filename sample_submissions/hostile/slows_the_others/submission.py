"""Changes limits, processors and memory policy of other processes; must be refused."""

import contextlib
import ctypes
import errno
import os
import resource

MIGRATE_PAGES, MOVE_PAGES = 256, 279


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
    for process in map(int, filter(str.isdigit, os.listdir("/proc"))):
        if process == os.getpid():
            continue
        for what, change in (
            ("limits", lambda: resource.prlimit(process, resource.RLIMIT_NOFILE, (8, 8))),
            ("scheduling", lambda: os.sched_setscheduler(process, os.SCHED_IDLE, os.sched_param(0))),
            ("killer's choice", lambda: open(f"/proc/{process}/oom_score_adj", "w").close()),
        ):
            try:
                change()
            except OSError:
                continue
            raise Escaped(f"{what} of process {process}")
        before = os.sched_getaffinity(process)
        with contextlib.suppress(OSError):  # the filter lets it succeed and do nothing
            os.sched_setaffinity(process, {min(before)})
            os.sched_setaffinity(process, {max(before)})
        if os.sched_getaffinity(process) != before:
            raise Escaped(f"processors of process {process}")
        refused(f"memory of process {process}", libc.syscall, MIGRATE_PAGES, process, 8, b"\1" * 8, b"\1" * 8)
