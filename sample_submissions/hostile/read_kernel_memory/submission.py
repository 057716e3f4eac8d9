"""Reads /proc/kcore, /dev/mem, ports, firmware and kernel addresses; must be refused or find them empty."""

import contextlib
import glob
import os

FILES = (
    *(
        "/proc/kcore",
        "/dev/mem",
        "/dev/kmem",
        "/dev/port",
        "/proc/kpagecount",
        "/proc/kpageflags",
        "/proc/vmallocinfo",
    ),
    *("/proc/slabinfo", "/proc/timer_list", "/proc/sched_debug", "/proc/iomem.raw", "/proc/latency_stats"),
    *("/sys/class/dmi/id/product_serial", "/sys/class/dmi/id/product_uuid", "/sys/class/dmi/id/board_serial"),
    *("/sys/kernel/debug/kprobes/list", "/sys/kernel/tracing/trace", "/sys/kernel/debug/sched/debug"),
)
FOLDERS = (
    "/sys/firmware",
    "/proc/scsi",
    "/proc/acpi",
    "/sys/kernel/debug",
    "/sys/kernel/tracing",
    "/sys/fs/bpf",
)


class Escaped(Exception):
    """A forbidden action succeeded."""


def unlearning(net, retain, forget, val):
    for name in (*FILES, *glob.glob("/dev/sd*"), *glob.glob("/dev/vd*"), *glob.glob("/dev/nvme*")):
        with contextlib.suppress(OSError), open(name, "rb", 0) as file:
            if found := file.read(16):
                raise Escaped(f"{name}: {found!r}")
    for folder in FOLDERS:
        with contextlib.suppress(OSError):
            if found := os.listdir(folder):
                raise Escaped(f"{folder}: {found[:5]}")
    with contextlib.suppress(OSError), open("/proc/kallsyms") as file:
        for line in file.readlines()[:100]:
            if int(line.split()[0], 16):
                raise Escaped(f"a kernel address: {line}")
