"""What each container may use: a pure function from a role and limits to a container's specification.

The specification is the same for every engine; `runner.engine.docker_options` translates it for Docker
and adds what must hold for every container: no network, a read-only root, no swap. Both together are the
wall. ``tests/runner/golden/options.json`` records their result: a change to the wall shows in its diff.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from runner.challenge.limits import Limits
from runner.engine.masked_paths import masked_paths
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
"""Torch, the data and checkpoints in transit, in addition to what the runs may use."""
_EVALUATOR_MEMORY_BYTES: Final = 8192 * MIB
_CHECKPOINTS_MEMORY_BYTES: Final = _EVALUATOR_MEMORY_BYTES // 2
"""Memory for the checkpoints in evaluation; the rest is for torch, the data and the outputs."""
_COPIES: Final = 4
"""How often an evaluator holds a checkpoint's bytes: as received, as tensors, in the network, and one more
that waits."""
_MAX_CONCURRENCY: Final = 64
_SUPERVISOR_PROCESSES: Final = 64
_GVISOR_PROCESSES: Final = 1024
"""Additional processes for gVisor: one on the host for each address space, which it releases late, and the
threads of its kernel, which panics when it cannot start one."""
ULIMITS: Final = {"nofile": 4096, "core": 0, "sigpending": 4096}
"""Limits of each process (setrlimit), soft and hard alike: open files, no core dumps, and signals that wait
and timers of its user together. The kernel walks through all signals that wait with interrupts off, and
allows 4000 of them for each GB of the host."""
SYSCTLS: Final = {"net.core.somaxconn": "16"}
"""Settings of its own network namespace: how many connections may wait at a listener.
Each is memory of the kernel that no limit counts."""
_GPU_ENVIRONMENT: Final = {
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # without it cuBLAS is not deterministic, and torch may refuse it
    "CUDA_MODULE_LOADING": "LAZY",
    "CUDA_CACHE_DISABLE": "1",  # a cache of compiled kernels would be shared by runs
}
_TRAINERS_GID: Final = 1_998
"""The group that may read the data sets that libraries ship (Dockerfile): test sets are cut from them."""
_ROOT: Final = "0:0"
_NOBODY: Final = "65534:65534"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tmpfs:
    """A file system in memory, without setuid programs and devices."""

    path: str
    size_bytes: int
    inodes: int
    mode: str
    """Of its root folder, in octal."""
    noexec: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """The options of a container that may differ between containers.

    What must hold for all of them has no field here, so that no caller can loosen it: no network, no
    folder of the host, a read-only root, no new privileges, private namespaces, no swap, no log kept by
    the engine. `runner.engine.docker_options` sets those.
    """

    role: Role
    image: str
    command: tuple[str, ...]
    user: str
    """``uid:gid``."""
    groups: tuple[int, ...]
    """Further group ids."""
    environment: dict[str, str]
    """The whole environment: nothing is inherited."""
    labels: dict[str, str]
    capabilities: tuple[str, ...]
    """Linux capabilities that it keeps; all others are dropped."""
    memory_bytes: int
    processes: int
    cpus: float
    shared_memory_bytes: int
    tmpfs: tuple[Tmpfs, ...]
    masked_paths: tuple[str, ...]
    """Paths that the engine hides (`runner.engine.masked_paths`)."""
    ulimits: Mapping[str, int] = field(default_factory=lambda: dict(ULIMITS))
    """By name as setrlimit knows them, in lower case; soft and hard limit alike."""
    cpu_set: str = ""
    """Cores that it may run on, such as ``0,3``; empty for any."""
    placement: Placement = DEFAULT_PLACEMENT


def worker_container(
    *,
    image: str,
    limits: Limits,
    labels: dict[str, str],
    placement: Placement = DEFAULT_PLACEMENT,
    cpu_set: str = "",
) -> ContainerSpec:
    """Return the container that executes a submission's runs, one at a time.

    It is root with three capabilities, everything else closed. Its cores are its share of the challenge's;
    ``cpu_set`` names those that it may run on, such as ``0,3``.
    """
    limits = limits.of_one_run()
    return _container(
        role="worker",
        image=image,
        labels=labels,
        placement=placement,
        user=_ROOT,
        capabilities=("SETUID", "SETGID", "KILL"),
        threads=limits.threads,
        memory_bytes=worker_memory_bytes(limits),
        processes=limits.processes
        + _SUPERVISOR_PROCESSES
        + (_GVISOR_PROCESSES if placement.runtime == GVISOR else 0),
        cpus=limits.cpus,
        cpu_set=cpu_set,
        shared_memory_bytes=limits.shared_memory_bytes,
        tmpfs=(
            Tmpfs(
                path="/tmp",  # noqa: S108 - a mount inside the container
                size_bytes=limits.scratch_bytes,
                inodes=limits.scratch_inodes,
                mode="1777",
            ),
            Tmpfs(
                path="/dev/shm",  # noqa: S108 - a mount inside the container
                size_bytes=limits.shared_memory_bytes,
                inodes=limits.scratch_inodes,
                mode="1777",
                noexec=True,
            ),
            # Root alone may enter until the supervisor hands it to a run's group (`sandbox.worker.scratch`).
            Tmpfs(
                path="/scratch/0",
                size_bytes=limits.scratch_bytes,
                inodes=limits.scratch_inodes,
                mode="0700",
            ),
        ),
    )


def worker_memory_bytes(limits: Limits) -> int:
    """Return what a worker container may use: a run and its supervisor together."""
    return limits.memory_bytes + _SUPERVISOR_MEMORY_BYTES


def all_workers_memory_bytes(limits: Limits) -> int:
    """Return what the worker containers of an evaluation may use together."""
    return worker_memory_bytes(limits) * limits.concurrency


def evaluator_container(
    *, image: str, cpus: float, labels: dict[str, str], placement: Placement = DEFAULT_PLACEMENT
) -> ContainerSpec:
    """Return the container that computes outputs of checkpoints: user nobody, without any capability."""
    return _container(
        role="evaluator",
        image=image,
        labels=labels,
        placement=placement,
        groups=(READERS_GID,),
        memory_bytes=_EVALUATOR_MEMORY_BYTES,
        processes=256,
        cpus=cpus,
        shared_memory_bytes=64 * MIB,
        tmpfs=(Tmpfs(path="/tmp", size_bytes=64 * MIB, inodes=1000, mode="1777"),),  # noqa: S108 - as above
    )


def evaluator_concurrency(*, cpus: float, checkpoint_bytes: int) -> int:
    """Return how many checkpoints an evaluator may evaluate in parallel: one per core, if memory allows.

    Args:
        cpus: The cores that it has.
        checkpoint_bytes: Maximum length of a checkpoint.
    """
    fitting = _CHECKPOINTS_MEMORY_BYTES // (_COPIES * checkpoint_bytes)
    return max(1, min(int(cpus), _MAX_CONCURRENCY, fitting))


def trainer_container(
    *, image: str, cpus: float, labels: dict[str, str], placement: Placement = DEFAULT_PLACEMENT
) -> ContainerSpec:
    """Return the container that builds a challenge: our code on our data, isolated like the others."""
    return _container(
        role="trainer",
        image=image,
        labels=labels,
        placement=placement,
        groups=(READERS_GID, _TRAINERS_GID),
        memory_bytes=16384 * MIB,
        processes=1024,
        cpus=cpus,
        shared_memory_bytes=1024 * MIB,
        tmpfs=(Tmpfs(path="/tmp", size_bytes=256 * MIB, inodes=10_000, mode="1777"),),  # noqa: S108 - as above
    )


def _container(
    *,
    role: Role,
    image: str,
    labels: dict[str, str],
    placement: Placement,
    memory_bytes: int,
    processes: int,
    cpus: float,
    shared_memory_bytes: int,
    tmpfs: tuple[Tmpfs, ...],
    user: str = _NOBODY,
    groups: tuple[int, ...] = (),
    capabilities: tuple[str, ...] = (),
    threads: int = 1,
    cpu_set: str = "",
) -> ContainerSpec:
    """Return the specification of one role; ``threads`` is how many torch starts with."""
    gpu = _GPU_ENVIRONMENT if placement.gpu is not None else {}
    return ContainerSpec(
        role=role,
        image=image,
        command=("/opt/venv/bin/python", "-m", f"sandbox.{role}"),
        user=user,
        groups=groups,
        environment={
            "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": "/opt/unlearn",
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            "LANG": "C.UTF-8",
            "HOME": "/tmp",  # noqa: S108 - a mount inside the container
            "OMP_NUM_THREADS": str(threads),
            **gpu,
        },
        labels={**labels, LABEL: role},
        capabilities=capabilities,
        memory_bytes=memory_bytes,
        processes=processes,
        cpus=cpus,
        cpu_set=cpu_set,
        shared_memory_bytes=shared_memory_bytes,
        tmpfs=tmpfs,
        masked_paths=masked_paths(with_gpu=placement.gpu is not None),
        placement=placement,
    )
