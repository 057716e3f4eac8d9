"""What is masked in /proc and /sys leaves what torch, the supervisor and a GPU's driver need."""

from __future__ import annotations

import pytest

from runner.engine.masked_paths import CGROUP_READABLE, masked_paths
from sandbox.worker import memory_events, stillness

ON_CPU, ON_GPU = masked_paths(with_gpu=False), masked_paths(with_gpu=True)
BOTH = pytest.mark.parametrize("paths", [ON_CPU, ON_GPU], ids=["cpu", "gpu"])


def is_hidden(path: str, paths: tuple[str, ...]) -> bool:
    return any(path == masked or path.startswith(f"{masked}/") for masked in paths)


@BOTH
def test_the_supervisors_counters_stay_readable(paths: tuple[str, ...]) -> None:
    """Those that it reads to tell what ended a run and whether the container stood still."""
    counters = [*memory_events._OOM_COUNTERS, *stillness._COUNTERS]
    assert len(counters) >= 5
    for file in counters:
        assert not is_hidden(str(file), paths), file
        assert str(file).removeprefix("/sys/fs/cgroup/") in CGROUP_READABLE


@BOTH
@pytest.mark.parametrize(
    "path",
    [
        *("/sys/fs/cgroup/memory.peak", "/sys/fs/cgroup/memory/memory.max_usage_in_bytes"),
        *("/sys/fs/cgroup/pids.peak", "/sys/fs/cgroup/pids/pids.peak", "/sys/fs/cgroup/cpu/tasks"),
        *("/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage_percpu", "/sys/fs/ext4/vda/lifetime_write_kbytes"),
        *(
            "/proc/vmstat",
            "/proc/diskstats",
            "/proc/partitions",
            "/proc/loadavg",
            "/proc/cmdline",
            "/etc/hostname",
        ),
        *("/sys/firmware/dmi", "/sys/power/state", "/sys/block/vda/stat", "/proc/sys/kernel/ns_last_pid"),
        *("/sys/devices/virtual/powercap/x", "/sys/kernel/debug", "/sys/kernel/tracing/trace"),
    ],
)
def test_counters_and_facts_of_the_host_are_hidden(paths: tuple[str, ...], path: str) -> None:
    """In control groups 1 and 2, on a CPU and on a GPU."""
    assert is_hidden(path, paths)


@pytest.mark.parametrize(
    "path", ["/sys/bus/pci/devices", "/sys/devices/system/node", "/proc/driver/nvidia/params"]
)
def test_a_gpus_driver_finds_its_devices(path: str) -> None:
    """Without a GPU the same trees are hidden."""
    assert is_hidden(path, ON_CPU)
    assert not is_hidden(path, ON_GPU)


@BOTH
@pytest.mark.parametrize("path", ["/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/self/maps"])
def test_what_libraries_read_is_readable(paths: tuple[str, ...], path: str) -> None:
    """Processors, memory and what belongs to a process."""
    assert not is_hidden(path, paths)


@BOTH
def test_no_path_is_listed_twice_or_holds_a_separator(paths: tuple[str, ...]) -> None:
    """Podman takes them as one text with colons."""
    assert len(set(paths)) == len(paths)
    assert not [path for path in paths if ":" in path or not path.startswith("/")]
