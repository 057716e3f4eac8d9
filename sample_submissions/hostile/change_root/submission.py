"""Calls chroot and pivot_root, and opens files by handle; must be refused."""

import ctypes
import errno

PIVOT_ROOT, NAME_TO_HANDLE, OPEN_BY_HANDLE = 155, 303, 304


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
    refused("chroot", libc.chroot, b"/tmp")
    refused("pivot_root", libc.syscall, PIVOT_ROOT, b"/tmp", b"/tmp")
    # The handle of inode 2, the root of the host's disk, as the container escape of 2014 had it.
    handle = ctypes.create_string_buffer(b"\x08\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0", 16)
    refused("open_by_handle_at", libc.syscall, OPEN_BY_HANDLE, -100, handle, 0)
    for up in (b"/proc/1/root/etc/shadow", b"/proc/1/cwd/../../etc/shadow"):
        refused(f"open {up!r}", libc.open, up, 0)
