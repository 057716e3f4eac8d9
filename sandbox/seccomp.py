"""The second seccomp filter: refuses system calls that no run needs, on top of the engine's profile.

The zygote builds the filter once, as a program for the kernel (BPF); each child installs those bytes
before it imports the submission. On a CPU, evaluator and trainer install it too, before they read what an
organizer or a submission has written. The filter repeats what the engine's profile refuses, because an engine
may run without a profile.

The filter refuses:

* objects that outlive a process and that the janitor cannot remove by owner: SysV IPC, POSIX message
  queues, keyrings;
* all sockets except AF_UNIX: a run has no peer on a network, and closed TCP connections stay readable
  in ``/proc/net`` for a minute; and those for datagrams: any number of them waits at another that is full;
* access to other processes' memory and files: ptrace, process_vm_*, pidfd_getfd, kcmp;
* parts of the kernel with a history of escapes: io_uring, bpf, perf, userfaultfd, namespaces;
* system administration: mounts, modules, clocks, swap, accounting;
* resources of which all programs of the host share a limited number: contexts of asynchronous I/O;
* writing back the host's file systems, since a run has none: `sync`, `fsync` and the like succeed and do
  nothing, whatever file they name: the files of the image are on the host's disk;
* locks on files and on parts of them, which are memory of the kernel that no limit counts: they succeed and
  lock nothing, since a run is alone in its container; and leases;
* notices of changes in a folder by signal (dnotify): ending n of them for one folder takes time of order n²;
* every ioctl but those of terminals, of any file and of GPUs;
* questions about the host's disk that a file of the image could answer, and inotify, whose entry in
  ``/proc/self/fdinfo`` answers one: the UUID of the disk below the image;
* questions to namespaces and processes: how many of these the host has had;
* filters on sockets, which take space for compiled programs that all programs of the host share, and names of
  mappings: no limit counts either;
* filters of system calls of a run's own, and rules of Landlock: both can have the host's audit log filled;
* hints about a file's lifetime, which older kernels let everybody attach to any file of the image;
* ways around the cache of files, and emptying it (`fadvise` does nothing): they keep the host's disk busy;
* moving pages to the host's swap, which control groups 1 permit within the limit of memory;
* epoll, `futex_waitv`, signals when a file is ready (`O_ASYNC`), and waiting for more than 512 files at once:
  any number of these can wait at one place, and the kernel walks through all with interrupts off;
* moving pages between files, pipes and sockets (`splice`): it shows other processes' marks on shared pages,
  and one that waits holds the lock of the pipe. `sendfile` from a device puts pages into sockets that no
  limit counts, and from a file of the image pages that cannot leave memory;
* attributes of files: a list of who may use a file (POSIX ACL) takes up to 64 KiB of kernel memory for each
  file that no limit counts;
* reserved huge pages, merged pages, cookies of sockets and the scheduler: the host shares or counts them;
* questions to network interfaces (ioctl): the kernel loads a module to answer some of them, or holds a lock
  that the whole host shares;
* timers with a descriptor: any number of them can expire at the same moment, with interrupts off;
* a look at an enormous range of memory (`mincore`), which stops a core until it ends, whatever signal comes;
* system calls, options of `prctl`, commands of `fcntl` and advice about memory (`madvise`) that are newer
  than the last ones that were looked at: one call of some stops a core for seconds;
* extended attributes: the kernel keeps times for a file of its own, for all containers, from the moment on at
  which somebody first lists the file's attributes;
* questions of `statx` about mounts and disks: each mount has a number that counts for the whole host;
* choosing one's cores (`sched_setaffinity` succeeds and does nothing): a thread of the kernel, which has the
  highest priority and counts to no container, carries whoever chooses another core than it runs on;
* a priority for the disk: 0 is better than that of all programs that do not choose one;
* choosing the memory of one processor (NUMA): a run that exhausts it is killed far from its own limit, which
  looks like a shortage of the host's;
* another limit of core dumps (`setrlimit` succeeds and does nothing): see `sandbox.protocol.jobs`;
* becoming dumpable, and executable files in memory: see `sandbox.worker.unreadable`.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
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
        *("set_mempolicy", "set_mempolicy_home_node", "mbind", "migrate_pages", "move_pages"),
        *("swapon", "swapoff", "quotactl", "quotactl_fd", "acct", "syslog", "vhangup"),
        *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "sethostname", "setdomainname"),
        *("ioprio_set", "iopl", "ioperm", "modify_ldt", "uselib", "ustat", "sysfs", "seccomp"),
    ),
    # Programs fall back to an older system call when the kernel does not know these.
    errno.ENOSYS: (
        *("io_uring_setup", "io_uring_enter", "io_uring_register", "io_setup", "clone3", "openat2"),
        *("memfd_secret", "memfd_create", "epoll_create", "epoll_create1", "timerfd_create", "futex_waitv"),
        *("inotify_init", "inotify_init1"),
        *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"),
    ),
    # As for files that cannot do it: programs read and write instead, and copy files without attributes.
    errno.EINVAL: ("splice", "vmsplice", "tee", "sendfile"),
    errno.EOPNOTSUPP: tuple(
        f"{prefix}{verb}xattr" for verb in ("get", "set", "list", "remove") for prefix in ("", "l", "f")
    ),
    0: (
        *("sync", "syncfs", "fsync", "fdatasync", "sync_file_range", "msync", "fadvise64", "flock"),
        "sched_setaffinity",
    ),
}
_NAMESPACE_FLAGS: Final = (
    *(0x0002_0000, 0x0200_0000, 0x0400_0000, 0x0800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000),
    0x0000_0080,
)
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME."""
_MAP_HUGETLB: Final = 0x0004_0000
_RWF_DONTCACHE: Final = 0x80
REFUSED_FLAGS: Final = (
    ("clone", 0, errno.EPERM, _NAMESPACE_FLAGS),
    ("mmap", 3, errno.ENOMEM, (_MAP_HUGETLB,)),  # as on a host that has reserved none
    ("open", 1, errno.EINVAL, (os.O_DIRECT,)),  # as of a file system that cannot do it
    ("openat", 2, errno.EINVAL, (os.O_DIRECT,)),
    ("preadv2", 5, errno.EOPNOTSUPP, (_RWF_DONTCACHE,)),
    ("pwritev2", 5, errno.EOPNOTSUPP, (_RWF_DONTCACHE,)),
)
"""System calls that are refused where an argument, named by its place, has one of these bits."""
REFUSED_VALUES: Final = (
    # F_SETLK and F_SETLKW, and both for open file descriptions
    ("fcntl", 1, 0, (6, 7, 37, 38)),
    # F_SETLEASE, F_NOTIFY, F_SET_RW_HINT and F_SET_FILE_RW_HINT
    ("fcntl", 1, errno.EINVAL, (1024, 1026, 1036, 1038)),
    ("ioctl", 1, errno.ENOTTY, (0x5452,)),  # FIOASYNC
    ("madvise", 2, errno.EINVAL, (12, 20, 21)),  # MADV_MERGEABLE, MADV_COLD and MADV_PAGEOUT
    ("prctl", 0, errno.EPERM, (4,)),  # PR_SET_DUMPABLE
    # PR_SET_VMA (memory allocators try it and go on), PR_SET_SECCOMP, PR_SCHED_CORE, PR_SET_MEMORY_MERGE: as
    # on a kernel that does not know them
    ("prctl", 0, errno.EINVAL, (0x5356_4D41, 22, 62, 67)),
)
"""System calls that are refused where an argument has one of these values in its lower half.

The kernel reads only the lower half of the register.
"""
REFUSED_MINIMUMS: Final = (
    ("mincore", 1, errno.ENOMEM, 1 << 34),  # bytes; these take 4 ms
    *((name, 1, errno.EINVAL, 513) for name in ("poll", "ppoll")),  # 256 threads at one pipe: 3 ms
    *((name, 0, errno.EINVAL, 513) for name in ("select", "pselect6")),
    ("fcntl", 1, errno.EINVAL, 1039),  # after F_SET_FILE_RW_HINT; F_SETDELEG is 1040
    # After MADV_DONTNEED_LOCKED. MADV_COLLAPSE writes a new file of the image back, where the kernel makes
    # huge pages of files; MADV_GUARD_INSTALL is 102
    ("madvise", 2, errno.EINVAL, 25),
    ("prctl", 0, errno.EINVAL, 69),  # after PR_GET_MEMORY_MERGE; PR_FUTEX_HASH is 78
    ("statx", 3, errno.EINVAL, 0x2000),  # after STATX_MNT_ID; STATX_MNT_ID_UNIQUE is 0x4000
)
"""System calls that are refused where an argument has at least this value, as a whole register."""
_IOCTL_FAMILY: Final = 0xFF00
"""The bits of an ioctl's number that name the part of the kernel that answers it."""
ALLOWED_IOCTLS: Final = (0x0000, 0x4600, 0x5400, 0x6400, 0x6D00)
"""Families of ioctls: of any file (the size of a block), of terminals ('T'), and of GPUs: plain numbers,
'F' and 'm' of NVIDIA's driver, 'd'. All others are refused. Those to file systems (0x15, 'f', 'v', 'X' of
XFS, 0x94 of Btrfs, 0xF5 of F2FS) are answered with labels, sizes and UUIDs of the host's disks where the
storage driver is not overlay. Sockets of any family pass on those to network interfaces (0x89, and 0x8B to
wireless ones), some under a lock that the whole host shares. Those to namespaces (0xB7) and pidfds (0xFF)
tell numbers that count for the whole host."""
_SOL_SOCKET: Final = 1
REFUSED_OPTIONS: Final = (
    # SO_ATTACH_FILTER, SO_ATTACH_BPF, and both for groups of sockets
    ("setsockopt", errno.EPERM, (26, 50, 51, 52)),
    ("getsockopt", errno.ENOPROTOOPT, (57, 71)),  # SO_COOKIE and SO_NETNS_COOKIE
)
"""Options of sockets, at the level SOL_SOCKET."""
_F_SETFL: Final = 4
_RLIMIT_CORE: Final = 4
_FIRST_UNKNOWN: Final = 451
"""The number of `cachestat`, Linux 6.5. From 424 on, numbers are the same for all processors."""
_AF_UNIX: Final = 1
_LOWER_HALF: Final = 0xFFFF_FFFF
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_SECCOMP_NUMBER: Final = {"x86_64": 317, "aarch64": 277}
_SET_MODE_FILTER, _FLAG_ALL_THREADS = 1, 1
_SECCOMP_RET_ERRNO: Final = 0x0005_0000
_INSTRUCTION_BYTES: Final = 8
_SECOND_ARGUMENT: Final = 24
"""Where the kernel's data has the lower half of a call's second argument, on little-endian processors."""


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
    # Calls of another word size have other numbers. Ending the process would write to the host's audit log.
    syscall_filter.set_attr(pyseccomp.Attr.ACT_BADARCH, pyseccomp.ERRNO(errno.ENOSYS))

    for name, place, number, flags in REFUSED_FLAGS:
        for flag in flags:
            argument = pyseccomp.Arg(place, pyseccomp.MASKED_EQ, flag, flag)
            syscall_filter.add_rule(pyseccomp.ERRNO(number), name, argument)
    for name, place, number, values in REFUSED_VALUES:
        for value in values:
            argument = pyseccomp.Arg(place, pyseccomp.MASKED_EQ, _LOWER_HALF, value)
            syscall_filter.add_rule(pyseccomp.ERRNO(number), name, argument)
    for name, place, number, least in REFUSED_MINIMUMS:
        syscall_filter.add_rule(pyseccomp.ERRNO(number), name, pyseccomp.Arg(place, pyseccomp.GE, least))
    level = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _LOWER_HALF, _SOL_SOCKET)
    for name, number, options in REFUSED_OPTIONS:
        for option in options:
            argument = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, _LOWER_HALF, option)
            syscall_filter.add_rule(pyseccomp.ERRNO(number), name, level, argument)
    command = pyseccomp.Arg(1, pyseccomp.MASKED_EQ, _LOWER_HALF, _F_SETFL)
    for flag in (os.O_DIRECT, os.O_ASYNC):
        argument = pyseccomp.Arg(2, pyseccomp.MASKED_EQ, flag, flag)
        syscall_filter.add_rule(pyseccomp.ERRNO(errno.EINVAL), "fcntl", command, argument)
    core = [pyseccomp.Arg(place, pyseccomp.MASKED_EQ, _LOWER_HALF, _RLIMIT_CORE) for place in (0, 1)]
    syscall_filter.add_rule(pyseccomp.ERRNO(0), "setrlimit", core[0])
    sets = pyseccomp.Arg(2, pyseccomp.NE, 0)
    for number, asks in ((0, pyseccomp.EQ), (errno.EPERM, pyseccomp.NE)):  # no answer is written by a filter
        syscall_filter.add_rule(
            pyseccomp.ERRNO(number), "prlimit64", core[1], sets, pyseccomp.Arg(3, asks, 0)
        )
    unix, other = (pyseccomp.Arg(0, compare, _AF_UNIX) for compare in (pyseccomp.EQ, pyseccomp.NE))
    # SOCK_DGRAM, and SOCK_RAW, which the kernel takes for the same
    datagram, raw = (pyseccomp.Arg(1, pyseccomp.MASKED_EQ, 0xF, kind) for kind in (2, 3))
    for name in ("socket", "socketpair"):
        syscall_filter.add_rule(pyseccomp.ERRNO(errno.EAFNOSUPPORT), name, other)
        syscall_filter.add_rule(pyseccomp.ERRNO(errno.EPROTONOSUPPORT), name, unix, datagram)
        syscall_filter.add_rule(pyseccomp.ERRNO(errno.EPROTONOSUPPORT), name, unix, raw)
    with tempfile.TemporaryFile() as file:
        syscall_filter.export_bpf(file)
        file.seek(0)
        ioctl = pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, "ioctl")
        return _refuse_newer_calls() + _refuse_other_ioctls(ioctl) + file.read()


def _refuse_newer_calls() -> bytes:
    """Return instructions that answer ENOSYS to every number from `_FIRST_UNKNOWN` on, and else go on.

    A libseccomp filter can refuse only calls that it names. Programs fall back to an older call on ENOSYS.
    """
    load, jump_if_at_least, answer = 0x20, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JGE|K, BPF_RET|K
    instruction = struct.Struct("=HBBI")  # struct sock_filter: code, jump if true, jump if false, operand
    return b"".join(
        (
            instruction.pack(load, 0, 0, 0),  # the number of the system call
            instruction.pack(jump_if_at_least, 0, 1, _FIRST_UNKNOWN),
            instruction.pack(answer, 0, 0, _SECCOMP_RET_ERRNO | errno.ENOSYS),
        )
    )


def _refuse_other_ioctls(number: int) -> bytes:
    """Return instructions that answer ENOTTY to ioctls of families that are not allowed, and else go on.

    The accumulator must hold the number of the system call. libseccomp has no rule for "none of these".

    Args:
        number: That of `ioctl` on this processor.
    """
    load, mask, jump_if_equal, answer = 0x20, 0x54, 0x15, 0x06  # BPF_LD|W|ABS, ALU|AND|K, JMP|JEQ|K, RET|K
    instruction = struct.Struct("=HBBI")
    families = len(ALLOWED_IOCTLS)
    return b"".join(
        (
            instruction.pack(jump_if_equal, 0, families + 3, number),
            instruction.pack(load, 0, 0, _SECOND_ARGUMENT),
            instruction.pack(mask, 0, 0, _IOCTL_FAMILY),
            *(
                instruction.pack(jump_if_equal, families - place, 0, family)
                for place, family in enumerate(ALLOWED_IOCTLS)
            ),
            instruction.pack(answer, 0, 0, _SECCOMP_RET_ERRNO | errno.ENOTTY),
        )
    )


def install(instructions: bytes, *, in_all_threads: bool = False) -> None:
    """Apply the filter to this process and to all processes that it starts; this cannot be undone.

    Args:
        instructions: The return value of `program`. The process must have no_new_privs.
        in_all_threads: Also in threads that libraries have started; else only in this one and those to come.

    Raises:
        OSError: the kernel refuses the filter.
    """
    buffer = ctypes.create_string_buffer(instructions, len(instructions))
    filled = _Program(len(instructions) // _INSTRUCTION_BYTES, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if in_all_threads:
        number = _SECCOMP_NUMBER[os.uname().machine]
        result = libc.syscall(number, _SET_MODE_FILTER, _FLAG_ALL_THREADS, ctypes.byref(filled))
    else:
        result = libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filled), 0, 0)
    if result != 0:  # positive: a thread that has another filter
        raise OSError(ctypes.get_errno(), "the second seccomp filter was refused")
