"""Opens kernel settings for writing: sysrq, core pattern, uevents, control groups; must be refused."""

import glob
import os

PLACES = (
    *(
        "/proc/sysrq-trigger",
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sys/kernel/hostname",
    ),
    *("/proc/sys/vm/drop_caches", "/proc/sys/vm/overcommit_memory", "/proc/sys/fs/binfmt_misc/register"),
    *(
        "/proc/sys/net/ipv4/ip_forward",
        "/proc/irq/default_smp_affinity",
        "/proc/bus/pci",
        "/proc/fs",
        "/proc/mtrr",
    ),
    *("/sys/kernel/uevent_helper", "/sys/kernel/mm/transparent_hugepage/enabled", "/sys/power/state"),
    *("/sys/fs/cgroup/cgroup.procs", "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/pids.max"),
    *("/proc/1/oom_score_adj", "/proc/1/clear_refs", "/proc/1/comm", "/proc/1/coredump_filter"),
)
PATTERNS = (
    *("/sys/fs/cgroup/*/*", "/sys/class/*/*/uevent", "/sys/module/*/uevent", "/sys/block/*/queue/*"),
    *("/proc/sys/kernel/*", "/proc/sys/user/*", "/proc/sys/vm/*", "/sys/devices/system/cpu/*/online"),
)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for place in (*PLACES, *(path for pattern in PATTERNS for path in glob.glob(pattern))):
        try:
            opened = os.open(place, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            continue
        hidden = os.fstat(opened).st_rdev == os.stat("/dev/null").st_rdev
        os.close(opened)
        if hidden:  # the engine hides files behind /dev/null
            continue
        raise Escaped(f"{place} can be opened for writing")  # nothing is written: it would harm the host
    for folder in ("/sys/fs/cgroup", *glob.glob("/sys/fs/cgroup/*/")):
        try:
            os.mkdir(os.path.join(folder, "own"))
        except OSError:
            continue
        raise Escaped(f"a control group of its own in {folder}")
