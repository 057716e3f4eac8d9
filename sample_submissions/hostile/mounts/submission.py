"""Mounts by the old and new system calls, and unmounts what hides kernel files; must be refused."""

import ctypes
import errno

BIND, REMOUNT, DETACH = 4096, 32, 2
OPEN_TREE, MOVE_MOUNT, FSOPEN, FSMOUNT, FSPICK, MOUNT_SETATTR = 428, 429, 430, 432, 433, 442


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
    refused("mount tmpfs", libc.mount, b"none", b"/tmp", b"tmpfs", 0, None)
    refused("mount proc", libc.mount, b"none", b"/tmp", b"proc", 0, None)
    refused("mount cgroup2", libc.mount, b"none", b"/tmp", b"cgroup2", 0, None)
    refused("bind", libc.mount, b"/", b"/tmp", None, BIND, None)
    refused("remount", libc.mount, None, b"/", None, REMOUNT, None)
    for place in (b"/proc/kcore", b"/proc/sys", b"/sys", b"/tmp", b"/etc/hostname"):
        refused(f"umount {place!r}", libc.umount2, place, DETACH)
    refused("open_tree", libc.syscall, OPEN_TREE, -100, b"/", 1)
    refused("move_mount", libc.syscall, MOVE_MOUNT, -100, b"/tmp", -100, b"/dev/shm", 0)
    refused("fsopen", libc.syscall, FSOPEN, b"tmpfs", 0)
    refused("fsmount", libc.syscall, FSMOUNT, 0, 0, 0)
    refused("fspick", libc.syscall, FSPICK, -100, b"/", 0)
    refused("mount_setattr", libc.syscall, MOUNT_SETATTR, -100, b"/", 0, None, 0)
