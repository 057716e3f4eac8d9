"""Unshares every kind of namespace by every call; must be refused.

A user namespace would give all capabilities.
"""

import ctypes
import errno
import os
import signal

KINDS = {
    **{"mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000, "user": 0x10000000},
    **{"pid": 0x20000000, "net": 0x40000000, "time": 0x80},
}
CLONE, CLONE3 = 56, 435


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
    for name, flag in KINDS.items():
        refused(f"unshare {name}", libc.unshare, flag)
        refused(f"unshare user and {name}", libc.unshare, flag | KINDS["user"])
        if name == "time":
            continue  # its flag is part of clone's signal number
        for call, arguments in ((CLONE, (flag | signal.SIGCHLD, 0, 0, 0, 0)), (CLONE3, clone3(flag))):
            child = libc.syscall(call, *arguments)
            if child == 0:
                os._exit(0)
            if child > 0:
                os.waitpid(child, 0)
                raise Escaped(f"a child in a new {name} namespace")


def clone3(flag):
    """Return the arguments of clone3 for a child in a namespace."""
    structure = (ctypes.c_uint64 * 8)(flag, 0, 0, 0, signal.SIGCHLD, 0, 0, 0)
    return ctypes.byref(structure), ctypes.sizeof(structure)
