"""Calls setns with every namespace it can open and with a pidfd; must be refused."""

import ctypes
import errno
import os


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
    libc.prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: the files of its own in /proc become accessible
    for process in ("self", "1", str(os.getppid())):
        for name in ("mnt", "user", "pid", "net", "uts", "ipc", "cgroup", "time"):
            try:
                descriptor = os.open(f"/proc/{process}/ns/{name}", os.O_RDONLY)
            except OSError:
                continue
            if (process, name) != (
                "self",
                "user",
            ):  # joining the present user namespace is invalid for root, too
                refused(f"setns {process} {name}", libc.setns, descriptor, 0)
            os.close(descriptor)
    try:
        handle = os.pidfd_open(1)
    except OSError:
        return
    refused("setns by pidfd", libc.setns, handle, 0x20000)
