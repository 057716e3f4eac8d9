"""Makes ioctls of every family of a file that is not open: the kernel says EBADF only if it was asked.

Families of any file, of terminals and of GPUs are allowed.
"""

import ctypes
import errno

ALLOWED = (0x00, ord("F"), ord("T"), ord("d"), ord("m"))
DIRECTIONS = (0x0000_0000, 0x4004_0000, 0x8004_0000, 0xC020_0000)
"""None, written, read, and both with 32 bytes."""

libc = ctypes.CDLL(None, use_errno=True)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    asked = {
        hex(family)
        for family in set(range(256)) - set(ALLOWED)
        for direction in DIRECTIONS
        for number in (0x00, 0x01, 0x15, 0xFF)
        if reaches_the_kernel(direction | family << 8 | number)
    }
    if asked:
        raise Escaped(f"{len(asked)} families come to the kernel, among them {sorted(asked)[:8]}")


def reaches_the_kernel(request):
    """Return whether an ioctl comes to the kernel; its upper half, which the kernel ignores, is filled."""
    results = (libc.ioctl(-1, ctypes.c_ulong(high | request)) for high in (0, 0xFFFF_FFFF_0000_0000))
    return any(result == -1 and ctypes.get_errno() == errno.EBADF for result in results)
