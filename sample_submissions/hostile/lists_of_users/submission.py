"""Attaches lists of users (POSIX ACL) and other attributes to files and folders; all must be refused."""

import contextlib
import ctypes
import os
import struct

SETXATTR = {"x86_64": (188, 189, 190), "aarch64": (5, 6, 7)}  # by name, by name of a link, by descriptor
USER_OBJECT, USER, GROUP_OBJECT, MASK, OTHER = 1, 2, 4, 16, 32
NOBODY = 0xFFFF_FFFF


class Escaped(Exception):
    """A forbidden action succeeded."""


def access_list(users):
    entries = [(USER_OBJECT, NOBODY), *((USER, 20_000 + number) for number in range(users))]
    entries += [(GROUP_OBJECT, NOBODY), (MASK, NOBODY), (OTHER, NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", kind, 6, who) for kind, who in entries)


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    for folder in (".", "/tmp", "/dev/shm"):
        file, inner = f"{folder}/own-file", f"{folder}/own-folder"
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        os.mkdir(inner)
        for place in (file, inner, descriptor):
            for kind in ("access", "default"):
                with contextlib.suppress(OSError):
                    os.setxattr(place, f"system.posix_acl_{kind}", access_list(8_000))
                    raise Escaped(f"a list of users at {place}")
            with contextlib.suppress(OSError):
                os.setxattr(place, "user.own", bytes(10_000))
                raise Escaped(f"an attribute of {place}")
        value = access_list(1)
        for number, place in zip(SETXATTR[os.uname().machine], (file.encode(), file.encode(), descriptor)):
            if libc.syscall(number, place, b"system.posix_acl_access", value, len(value), 0) == 0:
                raise Escaped(f"system call {number}")
