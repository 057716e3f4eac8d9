"""Asks for memory of one node (NUMA) alone; each way must be refused.

When that node has no more, the kernel kills the run although it is far from its own limit, as it does when the
host runs out of memory. Such a run would be attempted again.
"""

import ctypes
import errno
import mmap

SET_MEMPOLICY, MBIND, MIGRATE_PAGES, MOVE_PAGES, SET_HOME_NODE = 238, 237, 256, 279, 450
MPOL_BIND = 2
BITS = 64

libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Escaped(Exception):
    """A forbidden action succeeded."""


def refused(what, number, *arguments):
    """Make a system call, and require that it fails for missing permission, not for its arguments."""
    ctypes.set_errno(0)
    answer = libc.syscall(ctypes.c_long(number), *arguments)
    if answer >= 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):
        raise Escaped(f"{what}: {answer}, {errno.errorcode.get(ctypes.get_errno())}")


def unlearning(net, retain, forget, val):
    nodes = ctypes.byref(ctypes.c_ulong(1))
    memory = mmap.mmap(-1, 1 << 20)
    place = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(memory)))
    length = ctypes.c_size_t(1 << 20)
    refused("set_mempolicy", SET_MEMPOLICY, MPOL_BIND, nodes, ctypes.c_ulong(BITS))
    refused("mbind", MBIND, place, length, MPOL_BIND, nodes, ctypes.c_ulong(BITS), 0)
    refused("migrate_pages", MIGRATE_PAGES, 0, ctypes.c_ulong(BITS), nodes, nodes)
    status = ctypes.byref(ctypes.c_int())
    refused("move_pages", MOVE_PAGES, 0, ctypes.c_ulong(1), ctypes.byref(place), None, status, 0)
    refused("set_mempolicy_home_node", SET_HOME_NODE, place, length, ctypes.c_ulong(0), ctypes.c_ulong(0))
