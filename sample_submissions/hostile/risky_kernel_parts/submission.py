"""Sets up io_uring, userfaultfd, perf events, keyrings and similar features; must be refused."""

import ctypes
import errno

IO_URING_SETUP, IO_URING_ENTER, IO_URING_REGISTER, USERFAULTFD, PERF_EVENT_OPEN = 425, 426, 427, 323, 298
MEMFD_SECRET, FANOTIFY_INIT, LOOKUP_DCOOKIE, KCMP, ADD_KEY, REQUEST_KEY, KEYCTL = (
    447,
    300,
    212,
    312,
    248,
    249,
    250,
)
MODIFY_LDT, USELIB, MOVE_PAGES, PTRACE, PROCESS_MADVISE = 154, 134, 279, 101, 440


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
    zeros = ctypes.create_string_buffer(256)
    refused("io_uring_setup", libc.syscall, IO_URING_SETUP, 8, zeros)
    refused("io_uring_enter", libc.syscall, IO_URING_ENTER, 0, 0, 0, 0, None, 0)
    refused("io_uring_register", libc.syscall, IO_URING_REGISTER, 0, 0, None, 0)
    refused("userfaultfd", libc.syscall, USERFAULTFD, 1)
    refused("perf_event_open", libc.syscall, PERF_EVENT_OPEN, zeros, 0, -1, -1, 0)
    refused("memfd_secret", libc.syscall, MEMFD_SECRET, 0)
    refused("fanotify_init", libc.syscall, FANOTIFY_INIT, 0, 0)
    refused("lookup_dcookie", libc.syscall, LOOKUP_DCOOKIE, 0, zeros, 256)
    refused("kcmp", libc.syscall, KCMP, 1, 1, 0, 0, 0)
    refused("add_key", libc.syscall, ADD_KEY, b"user", b"own", b"secret", 6, -3)
    refused("request_key", libc.syscall, REQUEST_KEY, b"user", b"own", None, 0)
    refused("keyctl", libc.syscall, KEYCTL, 0, -3, 1)
    refused("modify_ldt", libc.syscall, MODIFY_LDT, 0, zeros, 256)
    refused("uselib", libc.syscall, USELIB, b"/lib/none")
