"""All system calls of x86-64 that the second filter lets through, and what exercises each.

A call is here once: as one that makes an object of the kernel, or keeps memory of it, with the attack of the gallery or
the kind of `sandbox.worker.kernel_objects` that does so, or as one that nothing exercises, with a reason. Calls of one row
make the same object. A list of names alone would say nothing, so each row has a text from the source of what exercises it.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Exercise(NamedTuple):
    """Calls that make the same object, and what makes it."""

    calls: tuple[str, ...]
    by: str
    """The name of an attack, or of a kind with `KIND` before it."""
    text: str
    """Stands in the source of the attack or of the kind."""


KIND: Final = "kind: "
BY_NAME: Final = (
    *("stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2", "readlink", "readlinkat"),
    *("statfs", "chdir", "chmod", "fchmodat", "chown", "lchown", "fchownat", "utime", "utimes", "utimensat"),
    *("futimesat", "unlink", "unlinkat", "rmdir"),
)
"""Calls that look for a name: the kernel remembers those that do not exist, too."""

EXERCISED: Final = (
    Exercise(("open", "openat", "creat"), KIND + "open file of the image", "os.open"),
    Exercise(("pipe", "pipe2"), KIND + "pipe", "os.pipe"),
    Exercise(("socket", "bind"), KIND + "socket with a path", "unix.bind("),
    Exercise(("listen", "connect"), KIND + "connection that nobody accepts", "client.connect("),
    Exercise(("accept", "accept4"), "network_ports_left", "accept("),
    Exercise(("socketpair", "sendto"), KIND + "message out of band", "left.send("),
    Exercise(("sendmsg", "sendmmsg"), "state_in_flight", "send_fds("),
    Exercise(("setsockopt",), "filters_on_sockets", "setsockopt("),
    Exercise(("dup", "dup2", "dup3"), "state_in_descriptors", "os.dup"),
    Exercise(("fcntl",), KIND + "file with a signal", "fcntl.fcntl("),
    Exercise(("ioctl",), "asks_by_any_ioctl", "ioctl("),
    Exercise(("eventfd", "eventfd2"), KIND + "eventfd", "eventfd("),
    Exercise(("signalfd", "signalfd4"), KIND + "signalfd", "signalfd("),
    Exercise(("pidfd_open",), KIND + "pidfd", "_PIDFD_OPEN"),
    Exercise(("timer_create", "timer_settime"), KIND + "timer", "timer_create("),
    Exercise(("rt_sigqueueinfo", "rt_tgsigqueueinfo"), KIND + "queued signal", "sigqueue("),
    Exercise(("kill", "tkill", "tgkill", "pidfd_send_signal"), "kills_everybody", "os.kill("),
    Exercise(("clone", "fork", "vfork"), KIND + "process", "os.fork("),
    Exercise(("execve", "execveat"), KIND + "other program", "os.execv("),
    Exercise(("setsid",), KIND + "session", "os.setsid("),
    Exercise(("mmap", "brk", "remap_file_pages"), KIND + "mapping", "_libc.mmap("),
    Exercise(("mremap",), "state_in_the_network", "mremap"),
    Exercise(("mprotect", "pkey_mprotect"), KIND + "locked and split mapping", "mprotect("),
    Exercise(("mlock", "mlock2", "mlockall"), KIND + "locked and split mapping", "mlock("),
    Exercise(("madvise",), KIND + "page table", "madvise("),
    Exercise(("mkdir", "mkdirat"), KIND + "folder", "mkdir("),
    Exercise(("mknod", "mknodat"), KIND + "named pipe", "mkfifo("),
    Exercise(
        ("link", "linkat", "rename", "renameat", "renameat2"), KIND + "second name of a file", "os.link("
    ),
    Exercise(("symlink", "symlinkat"), KIND + "short link", "symlink_to("),
    Exercise(("truncate", "ftruncate"), KIND + "file with holes", "ftruncate("),
    Exercise(
        ("write", "pwrite64", "writev", "pwritev", "pwritev2", "copy_file_range", "fallocate"),
        KIND + "file with holes",
        "os.pwrite(",
    ),
    Exercise(("getdents", "getdents64"), KIND + "folder being read", "_GETDENTS64"),
    Exercise(BY_NAME, KIND + "name that does not exist", ".stat("),
    Exercise(
        ("read", "pread64", "readv", "preadv", "preadv2", "readahead"), "reads_around_the_cache", "preadv"
    ),
    Exercise(("poll", "ppoll", "select", "pselect6"), KIND + "thread that polls", "select.poll("),
    Exercise(("futex",), KIND + "thread at a lock", "_FUTEX,"),
    Exercise(
        (
            *("capset", "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid"),
            *("setfsgid", "setgroups"),
        ),
        KIND + "thread with credentials",
        "_CAPSET,",
    ),
    Exercise(
        ("sched_setattr", "sched_setscheduler", "sched_setparam", "setpriority"),
        KIND + "thread with a policy",
        "_SCHED_SETATTR,",
    ),
    Exercise(("prctl", "personality"), "harmless_oddities", "libc.prctl("),
)

NOT_EXERCISED: Final = {
    "asks, and the kernel keeps nothing": (
        *("fstat", "lseek", "mincore", "getitimer", "getpid", "getsockname", "getpeername", "getsockopt"),
        *(
            "uname",
            "getcwd",
            "gettimeofday",
            "getrlimit",
            "getrusage",
            "sysinfo",
            "times",
            "getuid",
            "getgid",
        ),
        *("geteuid", "getegid", "getppid", "getpgrp", "getgroups", "getresuid", "getresgid", "getpgid"),
        *("getsid", "capget", "rt_sigpending", "fstatfs", "getpriority", "sched_getparam"),
        *("sched_getscheduler", "sched_get_priority_max", "sched_get_priority_min", "sched_rr_get_interval"),
        *("gettid", "time", "sched_getaffinity", "get_thread_area", "timer_gettime", "timer_getoverrun"),
        *("clock_gettime", "clock_getres", "get_mempolicy", "ioprio_get", "get_robust_list", "getcpu"),
        *("sched_getattr", "getrandom"),
    ),
    "takes what others have sent, or ends, frees or removes something": (
        *("recvfrom", "recvmsg", "recvmmsg", "shutdown", "close", "close_range", "munmap", "munlock"),
        *("munlockall", "exit", "exit_group", "timer_delete", "pkey_free", "process_mrelease"),
    ),
    "waits, and the kernel keeps only the process that waits": (
        *("sched_yield", "pause", "nanosleep", "clock_nanosleep", "wait4", "waitid", "rt_sigtimedwait"),
        *("rt_sigsuspend", "restart_syscall", "membarrier"),
    ),
    "sets a value in a record that the process or file has anyway": (
        *(
            "rt_sigaction",
            "rt_sigprocmask",
            "rt_sigreturn",
            "alarm",
            "setitimer",
            "fchdir",
            "fchmod",
            "fchown",
        ),
        *("umask", "setpgid", "sigaltstack", "arch_prctl", "setrlimit", "prlimit64", "set_thread_area"),
        *("set_tid_address", "set_robust_list", "rseq", "pkey_alloc"),
    ),
    "needs a descriptor or context that no run can make": (
        *("epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "inotify_add_watch", "inotify_rm_watch"),
        *("timerfd_settime", "timerfd_gettime", "fanotify_mark"),
        *("io_destroy", "io_getevents", "io_pgetevents", "io_submit", "io_cancel"),
    ),
    "no kernel since 5.5 has it": (
        *("_sysctl", "create_module", "get_kernel_syms", "query_module", "nfsservctl", "getpmsg", "putpmsg"),
        *("afs_syscall", "tuxcall", "security", "vserver", "epoll_ctl_old", "epoll_wait_old"),
    ),
}
"""Calls that nothing exercises, by the reason. None of them may make an object of the kernel."""
