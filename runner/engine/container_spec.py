"""How closed each container is: a pure function from a role and limits to engine options.

This is the wall. `tests/runner/golden/options.json` records what it returns, so that
whoever loosens it shows it in the diff.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from runner.challenge.limits import Limits
from runner.engine.placement import DEFAULT_PLACEMENT, GVISOR, Placement
from runner.units import MIB
from sandbox.protocol.jobs import READERS_GID

Role = Literal["worker", "evaluator", "trainer"]

LABEL: Final = "org.unlearn.role"
SESSION_LABEL: Final = "org.unlearn.session"
EVALUATION_LABEL: Final = "org.unlearn.evaluation"

FIRST_SLOT_GID: Final = 2_000
FIRST_UID: Final = 10_000
LAST_UID: Final = 60_000

_SUPERVISOR_MEMORY_BYTES: Final = 1536 * MIB
"""Torch, the data and the checkpoints in passing, beside what the runs may use."""
_EVALUATOR_MEMORY_BYTES: Final = 8192 * MIB
_CHECKPOINTS_MEMORY_BYTES: Final = _EVALUATOR_MEMORY_BYTES // 2
"""Of it, for the checkpoints that are evaluated; torch, the data and their outputs have the rest."""
_COPIES: Final = 4
"""Of a checkpoint's bytes an evaluator holds so many: as they came, as tensors, in the network, and one
that waits."""
_MOST_SIDE_BY_SIDE: Final = 64
_SUPERVISOR_PROCESSES: Final = 64
_GVISOR_PROCESSES: Final = 1024
"""Of gVisor: a host process for each address space, kept a while, and the threads of its kernel, which
panics when it cannot start one."""
OPEN_FILES: Final = 4096
"""Of one process."""
_TRAINERS_GID: Final = 1_998
"""The group that may read data sets that libraries bring along (Dockerfile): test sets are cut from them."""
_NOBODY: Final = "65534:65534"

_MASKED: Final = (
    # What engines hide by themselves, the newer ones more of it.
    *("/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats"),
    *("/proc/sched_debug", "/proc/scsi", "/proc/timer_list", "/proc/timer_stats", "/sys/firmware"),
    "/sys/devices/virtual/powercap",
    # What else tells of the host.
    *("/proc/cmdline", "/sys/kernel/boot_params", "/sys/kernel/debug", "/sys/kernel/tracing"),
    *("/proc/kallsyms", "/proc/kmsg", "/proc/modules", "/proc/config.gz", "/proc/schedstat"),
    *("/proc/pressure", "/proc/vmallocinfo", "/proc/slabinfo", "/proc/sysvipc", "/proc/key-users"),
    # High-water marks and counters that a run could set for the next one to read.
    "/proc/sys/kernel/ns_last_pid",
    "/sys/fs/cgroup/memory/memory.max_usage_in_bytes",
    "/sys/fs/cgroup/memory/memory.memsw.max_usage_in_bytes",
    "/sys/fs/cgroup/memory/memory.kmem.max_usage_in_bytes",
    "/sys/fs/cgroup/memory/memory.failcnt",
    "/sys/fs/cgroup/memory.peak",
    "/sys/fs/cgroup/memory.swap.peak",
    "/sys/fs/cgroup/pids.peak",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container to be started: all that the engine is told."""

    role: Role
    image: str
    command: tuple[str, ...]
    user: str
    environment: dict[str, str]
    labels: dict[str, str]
    host_config: dict[str, Any]


def worker_container(
    *, image: str, limits: Limits, labels: dict[str, str], placement: Placement = DEFAULT_PLACEMENT
) -> ContainerSpec:
    """Return the container that runs submissions: root with three capabilities, everything else closed."""
    tmpfs = {
        "/tmp": _tmpfs(limits.scratch_bytes, limits.scratch_inodes, "mode=1777"),  # noqa: S108
        "/dev/shm": _tmpfs(limits.shared_memory_bytes, limits.scratch_inodes, "noexec,mode=1777"),  # noqa: S108
        **{
            # Nobody's but root's until the supervisor gives it to the slot's group (`sandbox.worker.scratch`).
            f"/scratch/{slot}": _tmpfs(limits.scratch_bytes, limits.scratch_inodes, "mode=0700")
            for slot in range(limits.concurrency)
        },
    }
    config = _closed(
        memory_bytes=worker_memory_bytes(limits),
        processes=limits.processes * limits.concurrency
        + _SUPERVISOR_PROCESSES
        + (_GVISOR_PROCESSES if placement.runtime == GVISOR else 0),
        cpus=limits.cpus,
        shared_memory_bytes=limits.shared_memory_bytes,
        tmpfs=tmpfs,
    )
    config["CapAdd"] = ["SETUID", "SETGID", "KILL"]
    return _spec(
        role="worker",
        image=image,
        user="0:0",
        threads=limits.threads,
        labels=labels,
        config=config,
        placement=placement,
    )


def worker_memory_bytes(limits: Limits) -> int:
    """Return what a worker container may use, runs and supervisor together."""
    return limits.memory_bytes * limits.concurrency + _SUPERVISOR_MEMORY_BYTES


def evaluator_container(
    *, image: str, cpus: float, labels: dict[str, str], placement: Placement = DEFAULT_PLACEMENT
) -> ContainerSpec:
    """Return the container that turns checkpoints into outputs: nobody, without any capability."""
    config = _closed(
        memory_bytes=_EVALUATOR_MEMORY_BYTES,
        processes=256,
        cpus=cpus,
        shared_memory_bytes=64 * MIB,
        tmpfs={"/tmp": _tmpfs(64 * MIB, 1000, "mode=1777")},  # noqa: S108
    )
    return _spec(
        role="evaluator",
        image=image,
        user=_NOBODY,
        threads=1,
        labels=labels,
        config=config,
        placement=placement,
    )


def evaluator_concurrency(*, cpus: float, checkpoint_bytes: int) -> int:
    """Return how many checkpoints an evaluator may have in work at once: on a core each, if all have room.

    Args:
        cpus: The cores that it has.
        checkpoint_bytes: The length that no checkpoint exceeds.
    """
    room = _CHECKPOINTS_MEMORY_BYTES // (_COPIES * checkpoint_bytes)
    return max(1, min(int(cpus), _MOST_SIDE_BY_SIDE, room))


def trainer_container(
    *, image: str, cpus: float, labels: dict[str, str], placement: Placement = DEFAULT_PLACEMENT
) -> ContainerSpec:
    """Return the container that builds a challenge: our code on our data, closed all the same."""
    config = _closed(
        memory_bytes=16384 * MIB,
        processes=1024,
        cpus=cpus,
        shared_memory_bytes=1024 * MIB,
        tmpfs={"/tmp": _tmpfs(256 * MIB, 10_000, "mode=1777")},  # noqa: S108
    )
    return _spec(
        role="trainer",
        image=image,
        user=_NOBODY,
        threads=1,
        labels=labels,
        config=config,
        placement=placement,
    )


def _tmpfs(size_bytes: int, inodes: int, ownership: str) -> str:
    return f"rw,nosuid,nodev,size={size_bytes},nr_inodes={inodes},{ownership}"


def _spec(
    *,
    role: Role,
    image: str,
    user: str,
    threads: int,
    labels: dict[str, str],
    config: dict[str, Any],
    placement: Placement,
) -> ContainerSpec:
    if user == _NOBODY:
        config["GroupAdd"] = [str(READERS_GID)]
    if role == "trainer":
        config["GroupAdd"].append(str(_TRAINERS_GID))
    if placement.runtime:
        config["Runtime"] = placement.runtime
    devices = {}
    if placement.device_requests:
        config["DeviceRequests"] = [dict(request) for request in placement.device_requests]
        devices["NVIDIA_DRIVER_CAPABILITIES"] = "compute,utility"
    return ContainerSpec(
        role=role,
        image=image,
        command=("/opt/venv/bin/python", "-m", f"sandbox.{role}"),
        user=user,
        environment={
            "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": "/opt/unlearn",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
            "HOME": "/tmp",  # noqa: S108
            "OMP_NUM_THREADS": str(threads),
            **devices,
        },
        labels={**labels, LABEL: role},
        host_config=config,
    )


def _closed(
    *,
    memory_bytes: int,
    processes: int,
    cpus: float,
    shared_memory_bytes: int,
    tmpfs: dict[str, str],
) -> dict[str, Any]:
    """Return the options that all roles share. Docker's default seccomp profile holds unless named."""
    return {
        "NetworkMode": "none",
        "CgroupnsMode": "private",
        "ReadonlyRootfs": True,
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges"],
        "MaskedPaths": list(_MASKED),
        "Memory": memory_bytes,
        "MemorySwap": memory_bytes,
        "PidsLimit": processes,
        "NanoCpus": round(cpus * 1_000_000_000),
        "IpcMode": "private",
        "ShmSize": shared_memory_bytes,
        "Tmpfs": tmpfs,
        "LogConfig": {"Type": "none"},
        "Ulimits": [
            {"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "Privileged": False,
        "Binds": [],
    }
