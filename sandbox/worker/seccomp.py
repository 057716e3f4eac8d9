"""The second seccomp filter: refuses system calls that no run needs, on top of the engine's profile.

The zygote builds the filter once, as a program for the kernel (BPF); each child installs those bytes
before it imports the submission. The filter repeats what the engine's profile refuses, because an engine
may run without a profile. System calls of another word size end the process: libseccomp's default.

The filter refuses:

* objects that outlive a process and that the janitor cannot remove by owner: SysV IPC, POSIX message
  queues, keyrings;
* all sockets except AF_UNIX: a run has no peer on a network, and closed TCP connections stay readable
  in ``/proc/net`` for a minute;
* access to other processes' memory and files: ptrace, process_vm_*, pidfd_getfd, kcmp;
* parts of the kernel with a history of escapes: io_uring, bpf, perf, userfaultfd, namespaces;
* system administration: mounts, modules, clocks, swap, accounting;
* resources of which all programs of the host share a limited number: contexts of asynchronous I/O;
* writing back the host's file systems, since a run has none: `sync` succeeds and does nothing;
* becoming dumpable, and executable files in memory: see `sandbox.worker.unreadable`.
"""

from __future__ import annotations

import ctypes
import errno
import tempfile
from typing import Final

REFUSED: Final = {
    errno.EPERM: (
        *("shmget", "shmat", "shmdt", "shmctl", "semget", "semop", "semtimedop", "semctl"),
        *("msgget", "msgsnd", "msgrcv", "msgctl"),
        *("mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive", "mq_notify", "mq_getsetattr"),
        *("add_key", "request_key", "keyctl"),
        *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd", "kcmp"),
        *("bpf", "perf_event_open", "userfaultfd", "fanotify_init", "lookup_dcookie"),
        *("unshare", "setns"),
        *("mount", "umount2", "pivot_root", "chroot", "mount_setattr", "open_tree", "move_mount"),
        *("fsopen", "fsconfig", "fsmount", "fspick", "name_to_handle_at", "open_by_handle_at"),
        *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot"),
        *("swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "syslog", "vhangup"),
        *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname"),
        *("iopl", "ioperm", "modify_ldt", "uselib", "ustat", "sysfs"),
    ),
    # Programs fall back to an older system call when the kernel does not know these.
    errno.ENOSYS: (
        "io_uring_setup",
        "io_uring_enter",
        "io_uring_register",
        "memfd_secret",
        "memfd_create",
        "clone3",
        "io_setup",
    ),
    0: ("sync", "syncfs"),
}
_NAMESPACE_FLAGS: Final = (
    *(0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000),
    0x0000_0080,
)
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME."""
_AF_UNIX: Final = 1
_PR_SET_DUMPABLE: Final = 4
_LOWER_HALF: Final = 0xFFFF_FFFF
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_INSTRUCTION_BYTES: Final = 8


class _Program(ctypes.Structure):
    """``struct sock_fprog`` of the kernel."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p))


def program() -> bytes:
    """Return the filter as instructions for the kernel.

    Raises:
        OSError: libseccomp does not know one of the system calls.
    """
    import pyseccomp  # noqa: PLC0415 - only in the image, while tests on the host read the table above

    syscall_filter = pyseccomp.SyscallFilter(pyseccomp.ALLOW)
    for number, names in REFUSED.items():
        for name in names:
            syscall_filter.add_rule(pyseccomp.ERRNO(number), name)
    for flag in _NAMESPACE_FLAGS:
        argument = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, flag, flag)
        syscall_filter.add_rule(pyseccomp.ERRNO(errno.EPERM), "clone", argument)
    for name in ("socket", "socketpair"):
        family = pyseccomp.Arg(0, pyseccomp.NE, _AF_UNIX)
        syscall_filter.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), name, family)
    # The kernel reads only the lower half of the register.
    dumpable = pyseccomp.Arg(0, pyseccomp.MASKED_EQ, _LOWER_HALF, _PR_SET_DUMPABLE)
    syscall_filter.add_rule(pyseccomp.ERRNO(errno.EPERM), "prctl", dumpable)
    with tempfile.TemporaryFile() as file:
        syscall_filter.export_bpf(file)
        file.seek(0)
        return file.read()


def install(instructions: bytes) -> None:
    """Apply the filter to this process and to all processes that it starts; this cannot be undone.

    Args:
        instructions: The return value of `program`. The process must have no_new_privs.

    Raises:
        OSError: the kernel refuses the filter.
    """
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    filled = _Program(len(instructions) // _INSTRUCTION_BYTES, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filled), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the second seccomp filter was refused")
