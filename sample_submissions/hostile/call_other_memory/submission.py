"""Reads, writes and traces the memory of every other process by system calls; must be refused."""

import ctypes
import os

TRACE_ATTACH, TRACE_SEIZE, TRACE_DETACH = 16, 0x4206, 17


class Place(ctypes.Structure):
    """`struct iovec`."""

    _fields_ = (("start", ctypes.c_void_p), ("length", ctypes.c_size_t))


class Escaped(Exception):
    """A forbidden action succeeded."""


def others():
    """Return all processes except this one."""
    return [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]


def unlearning(net, retain, forget, val):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.restype = ctypes.c_long
    buffer = ctypes.create_string_buffer(8)
    here = Place(ctypes.addressof(buffer), 8)
    # A fork shares its parent's layout, so what is mapped here is mapped there.
    there = Place(id(os), 8)
    for process in map(int, others()):
        for call in (libc.process_vm_readv, libc.process_vm_writev):
            call.restype = ctypes.c_ssize_t
            if call(process, ctypes.byref(here), 1, ctypes.byref(there), 1, 0) >= 0:
                raise Escaped(f"the memory of process {process}")
        for request in (TRACE_ATTACH, TRACE_SEIZE):
            if libc.ptrace(request, process, None, None) == 0:
                libc.ptrace(TRACE_DETACH, process, None, None)
                raise Escaped(f"process {process} can be traced")
