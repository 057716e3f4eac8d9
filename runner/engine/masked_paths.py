"""Which paths of /proc and /sys no container may read: whole trees where that is possible, else by name.

Most of /proc and /sys is about the host, and a run could leave messages in it for the next one: counters, and
the times at which files were first looked at. Torch needs nothing of /sys. What stays readable, and why:

* `/proc/cpuinfo`, `/proc/meminfo` and `/proc/stat`, which libraries read, and what belongs to processes;
* a few counters of the control group, which the supervisor reads (`CGROUP_READABLE`): no engine can show a
  file to root alone;
* with a GPU, what its driver's libraries may look for (`_FOR_GPUS`).

Paths that a host does not have are ignored. gVisor has a /proc and a /sys of its own and masks nothing.
"""

from __future__ import annotations

from typing import Final

_PROC: Final = (
    *("acpi", "allocinfo", "apm", "asound", "bootconfig", "buddyinfo", "bus", "cgroups", "cmdline"),
    *("config.gz", "consoles", "cpu", "crypto", "device-tree", "devices", "diskstats", "dma", "driver"),
    *("dynamic_debug", "execdomains", "fb", "filesystems", "fs", "interrupts", "iomem", "ioports", "ipmi"),
    *("irq", "kallsyms", "kcore", "key-users", "keys", "kmsg", "kpagecgroup", "kpagecount", "kpageflags"),
    *("latency_stats", "loadavg", "lockdep", "lockdep_chains", "lockdep_stats", "locks", "lock_stat"),
    *("mdstat", "misc", "modules", "mtrr", "pagetypeinfo", "partitions", "pressure", "sched_debug"),
    *("schedstat", "scsi", "slabinfo", "softirqs", "spl", "swaps", "sys", "sysrq-trigger", "sysvipc"),
    *("timer_list", "timer_stats", "tty", "uptime", "version", "version_signature", "vmallocinfo"),
    *("vmstat", "xen", "zoneinfo"),
)
_SYS: Final = (
    *("block", "bus", "class", "dev", "devices", "firmware", "hypervisor", "kernel", "module", "power"),
)
_SYS_FS: Final = (
    *("aufs", "bcache", "bcachefs", "bpf", "btrfs", "cachefiles", "ceph", "cifs", "dlm", "ecryptfs", "erofs"),
    *("exfat", "ext4", "f2fs", "fat", "fuse", "gfs2", "jfs", "kafs", "lustre", "nfs", "nfsd", "nilfs2"),
    *("ntfs3", "o2cb", "ocfs2", "orangefs", "pstore", "reiserfs", "resctrl", "selinux", "smackfs", "smb"),
    *("tmpfs", "ubifs", "virtiofs", "xfs", "zfs", "zonefs"),
)
"""Beside `/sys/fs/cgroup`; each file system of the kernel may have a folder there."""

_FOR_GPUS: Final = frozenset(
    {
        *("/proc/devices", "/proc/driver", "/proc/sys", "/proc/version"),
        *("/sys/bus", "/sys/class", "/sys/dev", "/sys/devices", "/sys/kernel", "/sys/module"),
    }
)
"""Not masked in a container with a GPU."""
_WITH_GPUS: Final = (
    "/proc/sys/kernel/ns_last_pid",
    "/sys/devices/virtual/powercap",
    *("/sys/kernel/boot_params", "/sys/kernel/debug", "/sys/kernel/tracing"),
)
"""Masked in their place."""

_GROUP: Final = ("cgroup.clone_children", "cgroup.event_control", "cgroup.procs", "cgroup.sane_behavior")
_GROUP_1: Final = (*_GROUP, "notify_on_release", "release_agent", "tasks")
_CONTROLLERS_1: Final = (
    *("blkio", "cpuset", "debug", "devices", "elogind", "freezer", "hugetlb", "misc", "net_cls"),
    *("net_cls,net_prio", "net_prio", "perf_event", "pids", "rdma", "systemd", "unified"),
)
"""Folders of control groups 1 that are masked whole."""
_CPU_1: Final = (
    *("cpu.cfs_burst_us", "cpu.idle", "cpu.rt_period_us", "cpu.rt_runtime_us", "cpu.shares", "cpu.stat"),
    *(
        "cpu.stat.local",
        "cpu.uclamp.max",
        "cpu.uclamp.min",
        "cpuacct.stat",
        "cpuacct.usage_all",
        "cpuacct.usage_percpu",
    ),
    *("cpuacct.usage_percpu_sys", "cpuacct.usage_percpu_user", "cpuacct.usage_sys", "cpuacct.usage_user"),
)
_MEMORY_1: Final = (
    *("memory.failcnt", "memory.force_empty", "memory.kmem.failcnt", "memory.kmem.limit_in_bytes"),
    *("memory.kmem.max_usage_in_bytes", "memory.kmem.slabinfo", "memory.kmem.tcp.failcnt"),
    *("memory.kmem.tcp.limit_in_bytes", "memory.kmem.tcp.max_usage_in_bytes"),
    *("memory.kmem.tcp.usage_in_bytes", "memory.kmem.usage_in_bytes", "memory.limit_in_bytes"),
    *("memory.max_usage_in_bytes", "memory.memsw.failcnt", "memory.memsw.limit_in_bytes"),
    *("memory.memsw.max_usage_in_bytes", "memory.memsw.usage_in_bytes", "memory.move_charge_at_immigrate"),
    *("memory.numa_stat", "memory.pressure_level", "memory.soft_limit_in_bytes", "memory.stat"),
    *("memory.swappiness", "memory.usage_in_bytes", "memory.use_hierarchy"),
)
_HUGE_PAGES: Final = (*("64KB", "1MB", "2MB", "16MB", "32MB", "512MB", "1GB", "2GB", "16GB"),)
_HUGE_PAGE_FILES: Final = (
    "current",
    "events",
    "events.local",
    "max",
    "numa_stat",
    "rsvd.current",
    "rsvd.max",
)
_FILES_2: Final = (
    *("cgroup.controllers", "cgroup.events", "cgroup.freeze", "cgroup.kill", "cgroup.max.depth"),
    *("cgroup.max.descendants", "cgroup.pressure", "cgroup.procs", "cgroup.stat", "cgroup.stat.local"),
    *("cgroup.subtree_control", "cgroup.threads", "cgroup.type"),
    *("cpu.idle", "cpu.max.burst", "cpu.pressure", "cpu.stat.local", "cpu.uclamp.max", "cpu.uclamp.min"),
    *("cpu.weight", "cpu.weight.nice"),
    *("cpuset.cpus", "cpuset.cpus.effective", "cpuset.cpus.exclusive", "cpuset.cpus.exclusive.effective"),
    *("cpuset.cpus.partition", "cpuset.mems", "cpuset.mems.effective"),
    *("dmem.capacity", "dmem.current", "dmem.low", "dmem.max", "dmem.min"),
    *(f"hugetlb.{size}.{file}" for size in _HUGE_PAGES for file in _HUGE_PAGE_FILES),
    *("io.bfq.weight", "io.latency", "io.low", "io.max", "io.pressure", "io.prio.class", "io.stat"),
    *("io.weight", "irq.pressure"),
    *("memory.current", "memory.events.local", "memory.high", "memory.low", "memory.max", "memory.min"),
    *("memory.numa_stat", "memory.oom.group", "memory.peak", "memory.pressure", "memory.reclaim"),
    *("memory.stat", "memory.swap.current", "memory.swap.events", "memory.swap.high", "memory.swap.max"),
    *("memory.swap.peak", "memory.zswap.current", "memory.zswap.max", "memory.zswap.writeback"),
    *("misc.capacity", "misc.current", "misc.events", "misc.events.local", "misc.max", "misc.peak"),
    *("pids.current", "pids.events", "pids.events.local", "pids.max", "pids.peak"),
    *("rdma.current", "rdma.max"),
)
CGROUP_READABLE: Final = frozenset(
    {
        # Kills for memory and processor time: the supervisor's evidence of what ended a run.
        *("memory.events", "memory/memory.oom_control", "cpu.stat"),
        *(f"{folder}/cpuacct.usage" for folder in ("cpu", "cpuacct", "cpu,cpuacct")),
        # A limit, which does not change; joblib takes an empty file in its place for an error.
        "cpu.max",
        *(f"{folder}/cpu.cfs_{name}_us" for folder in ("cpu", "cpu,cpuacct") for name in ("period", "quota")),
    }
)
"""What is not masked below `/sys/fs/cgroup`, in control groups 1 and 2."""

_CGROUP: Final = (
    *_CONTROLLERS_1,
    *(f"{folder}/{file}" for folder in ("cpu", "cpuacct", "cpu,cpuacct") for file in (*_GROUP_1, *_CPU_1)),
    *(f"memory/{file}" for file in (*_GROUP_1, *_MEMORY_1)),
    *_FILES_2,
)
HOST_FILES: Final = ("/etc/hostname", "/etc/hosts", "/etc/resolv.conf")
"""Files of the host's own disk, which engines mount from there."""
_EMPTY_PROGRAM: Final = "/.dockerenv"
"""Docker makes it empty and executable. Kernels before 6.14 look for a module, with a process of the host,
whenever somebody executes what is neither a program nor text."""


def masked_paths(*, with_gpu: bool) -> tuple[str, ...]:
    """Return the paths that engines mask: folders become empty, files too.

    Args:
        with_gpu: Whether the container gets a GPU, whose driver's libraries look around in /proc and /sys.
    """
    trees = (*(f"/proc/{name}" for name in _PROC), *(f"/sys/{name}" for name in _SYS))
    if with_gpu:
        trees = (*(path for path in trees if path not in _FOR_GPUS), *_WITH_GPUS)
    return (
        *trees,
        *(f"/sys/fs/{name}" for name in _SYS_FS),
        *(f"/sys/fs/cgroup/{name}" for name in _CGROUP),
        *HOST_FILES,
        _EMPTY_PROGRAM,
    )
