"""Loads a module, another kernel and a bpf program, and creates a bpf map; must be refused."""

import ctypes
import errno
import os

KEXEC_LOAD, KEXEC_FILE_LOAD, INIT_MODULE, FINIT_MODULE, DELETE_MODULE, BPF = 246, 320, 175, 313, 176, 321


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
    empty = os.open("module", os.O_RDWR | os.O_CREAT, 0o600)
    refused("init_module", libc.syscall, INIT_MODULE, b"\x7fELF", 4, b"")
    refused("finit_module", libc.syscall, FINIT_MODULE, empty, b"", 0)
    refused("delete_module", libc.syscall, DELETE_MODULE, b"there-is-none", 0)
    refused("kexec_load", libc.syscall, KEXEC_LOAD, 0, 0, None, 0)
    refused("kexec_file_load", libc.syscall, KEXEC_FILE_LOAD, empty, empty, 0, None, 0)
    for command in range(6):
        refused(f"bpf({command})", libc.syscall, BPF, command, ctypes.create_string_buffer(128), 128)
