"""Measure kernel memory that a run can cause and that no limit counts.

A limit on memory includes objects of the kernel, if they are of a kind that the kernel counts. A container
makes many objects of one kind (`sandbox.worker.kernel_memory`) and ends them; what the host's counters gain
and lose more than the control group's was not counted. Other work on the host moves the host's counters too,
so each kind is measured several times.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from runner.challenge.limits import Limits
from runner.engine.api import Container, Engine
from runner.engine.container_spec import ContainerSpec, worker_container
from runner.engine.placement import Placement
from runner.errors import SandboxLostError
from runner.units import MIB

_MODULE: Final = "sandbox.worker.kernel_memory"
_LIMITS: Final = Limits(
    memory_bytes=3072 * MIB, processes=400, scratch_bytes=1024 * MIB, scratch_inodes=200_000
)
_MEMINFO: Final = Path("/proc/meminfo")
_HOST_COUNTERS: Final = ("SUnreclaim", "VmallocUsed", "PageTables", "Percpu")
"""Without ``SReclaimable``, which the kernel frees in need, and which other work moves by megabytes."""
_GROUPS: Final = Path("/sys/fs/cgroup")
_COUNTED_2: Final = ("kernel_stack", "pagetables", "percpu", "slab_unreclaimable", "vmalloc")
"""Of ``memory.stat`` in control groups 2. Version 1 has one number, with what can be freed: there, too little
is found of objects that have an inode."""
SETTLE_SECONDS: Final = 0.2
"""The kernel releases objects, and updates its counters, with a delay."""
_PATIENCE_SECONDS: Final = 120.0

SLACK_BYTES: Final = 3 * MIB
"""Growth that other work on the host may cause meanwhile."""
SLACK_BYTES_EACH: Final = 64
"""Bytes for each object that are not worth a finding: with a million objects, 64 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The uncounted memory of the objects of one kind."""

    kind: str
    objects: int
    """How many objects were made; 0 if the calls are refused."""
    uncounted_bytes: int
    """Median over the repetitions, of all objects together; other work on the host can make it negative."""

    @property
    def exceeds_slack(self) -> bool:
        """Return whether that is more than noise and trifles."""
        return self.objects > 0 and self.uncounted_bytes > SLACK_BYTES + SLACK_BYTES_EACH * self.objects


def kernel_memory_container(*, image: str, labels: dict[str, str], placement: Placement) -> ContainerSpec:
    """Return the specification of the container that makes objects: a worker's, with another program."""
    spec = worker_container(image=image, limits=_LIMITS, labels=labels, placement=placement)
    return replace(spec, command=(spec.command[0], "-m", _MODULE))


def measure_kernel_memory(
    engine: Engine, spec: ContainerSpec, kinds: Mapping[str, int], *, repetitions: int
) -> list[Measurement] | None:
    """Return the measurement of each kind; None if this host shows no counter for the container.

    Args:
        engine: An engine on this machine.
        spec: The specification from `kernel_memory_container`.
        kinds: Objects that each process makes, by a name in `sandbox.worker.kernel_objects.KINDS`; 0 for the
            number there.
        repetitions: How often each kind is measured.

    Raises:
        SandboxStartError: the container did not start.
        SandboxLostError: it ended early.
    """
    container = engine.start(spec)
    try:
        _hold(container, "nothing", 1)  # what the program needs once is not measured
        _release(container)
        if _counted_bytes(container.identity) is None:
            return None
        return [measure_kind(container, kind, number, repetitions) for kind, number in kinds.items()]
    finally:
        container.remove()


def measure_kind(container: Container, kind: str, number: int, repetitions: int) -> Measurement:
    """Return the measurement of a kind; nothing is waited for where its calls are refused.

    Args:
        container: It answers, and holds no objects.
        kind: Name of the kind.
        number: Objects that each process makes; 0 for the number in `sandbox.worker.kernel_objects.KINDS`.
        repetitions: How often it is measured.

    Raises:
        SandboxLostError: the container ended early.
    """
    objects = _hold(container, kind, 1)
    _release(container)
    if not objects:
        return Measurement(kind=kind, objects=0, uncounted_bytes=0)
    differences, before = list[int](), _uncounted_bytes(container)
    for _ in range(repetitions):
        objects = _hold(container, kind, number)
        held = _uncounted_bytes(container)
        _release(container)
        after = _uncounted_bytes(container)
        differences += [held - before, held - after]
        before = after
    return Measurement(kind=kind, objects=objects, uncounted_bytes=round(statistics.median(differences)))


def _uncounted_bytes(container: Container) -> int:
    time.sleep(SETTLE_SECONDS)
    return host_kernel_bytes(_MEMINFO.read_text()) - (_counted_bytes(container.identity) or 0)


def host_kernel_bytes(meminfo: str) -> int:
    """Return the memory of the host's kernel, from the text of ``/proc/meminfo``."""
    fields = dict(line.split(":", 1) for line in meminfo.splitlines() if ":" in line)
    return sum(int(fields[name].split()[0]) for name in _HOST_COUNTERS if name in fields) * 1024


def _counted_bytes(identity: str) -> int | None:
    """Return the kernel memory that is counted to a container on this host; None if it cannot be read."""
    for file in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            lines = file.read_text().splitlines()
        except OSError:  # the process has ended
            continue
        for line in lines:
            _number, controllers, path = line.split(":", 2)
            if identity in path and (counted := _counted_in(controllers, path.lstrip("/"))) is not None:
                return counted
    return None


def _counted_in(controllers: str, path: str) -> int | None:
    try:
        if controllers == "":
            return counted_in_statistics((_GROUPS / path / "memory.stat").read_text())
        if "memory" in controllers.split(","):
            return int((_GROUPS / "memory" / path / "memory.kmem.usage_in_bytes").read_text())
    except (OSError, ValueError):
        return None
    return None


def counted_in_statistics(memory_stat: str) -> int | None:
    """Return the kernel memory in the text of ``memory.stat``; None if it does not have the numbers."""
    fields = dict(line.split(" ", 1) for line in memory_stat.splitlines() if " " in line)
    if not {"slab_unreclaimable", "kernel_stack"} <= fields.keys():
        return None
    return sum(int(fields[name]) for name in _COUNTED_2 if name in fields)


def _hold(container: Container, kind: str, number: int) -> int:
    """Have each process make so many objects of a kind; return how many there are."""
    container.send(f"{kind} {number}\n".encode())
    return _answer(container)


def _release(container: Container) -> None:
    """Have all objects ended."""
    container.send(b"\n")
    _answer(container)


def _answer(container: Container) -> int:
    """Return the number in the container's next line.

    Raises:
        SandboxLostError: it ended, or did not answer.
    """
    line = b""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not line.endswith(b"\n"):
        part = container.receive(max(0.1, deadline - time.monotonic()))
        if part is None or time.monotonic() > deadline or not (line + part).strip().isdigit():
            raise SandboxLostError("The measurement of the kernel's memory ended early.")
        line += part
    return int(line)
