"""Notice that this container stood still: it was paused or frozen, or the machine did not execute it.

The janitor wakes several times a second. If it did not for long, and the container used no processor time
meanwhile, nothing in it was executed. A run that keeps the janitor from its turn uses processor time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

_COUNTERS: Final = (
    Path("/sys/fs/cgroup/cpu.stat"),
    Path("/sys/fs/cgroup/cpuacct/cpuacct.usage"),
    Path("/sys/fs/cgroup/cpu,cpuacct/cpuacct.usage"),
)
_WAITING: Final = _COUNTERS[0]
_SHARES: Final = (
    Path("/sys/fs/cgroup/cpu.max"),
    Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
    Path("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"),
)
_WAITED_SHARE: Final = 0.5
"""A container that waited for more than this part of a gap was kept from its turn by its own use."""
_GAP_SECONDS: Final = 1.0
"""A shorter gap between two looks is not noticed."""
_LONG_GAP_SECONDS: Final = 5.0
"""Without a counter of processor time, as under gVisor, only a gap of this length counts."""
_USED_SHARE: Final = 0.2
"""A container that used less than this share of a core during the gap stood still for most of it."""
_USED_PART: Final = 0.5
"""But not one that used more than this part of what it may. Where a long system call has used the share of a
whole gap at its beginning, the container then waits, and over the gap it has used exactly its share."""


class StillnessDetector:
    """Measures for how long this container stood still between two looks."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        cpu_seconds: Callable[[], float | None] | None = None,
        waiting_seconds: Callable[[], float | None] | None = None,
        share: float | None = None,
    ) -> None:
        """Prepare.

        Args:
            clock: A clock that goes on while the container stands still.
            cpu_seconds: Returns the processor time of the container, or None if it is unknown.
            waiting_seconds: Returns for how long the container had to wait because its share of the
                processors was used up, or None if it is unknown.
            share: How many cores the container may use; None for what its control group says.
        """
        self._clock, self._cpu_seconds = clock, cpu_seconds or container_cpu_seconds
        self._waiting_seconds = waiting_seconds or container_waiting_seconds
        share = share or container_share()
        self._least_use = _USED_SHARE if share is None else min(_USED_SHARE, _USED_PART * share)
        self.start()

    def start(self) -> None:
        """Forget what was before."""
        self._last_look, self._last_cpu = self._clock(), self._cpu_seconds()
        self._last_waiting = self._waiting_seconds() or 0.0

    def frozen_seconds(self) -> float:
        """Return for how many seconds it stood still since the last look; 0 if it did not."""
        now, cpu = self._clock(), self._cpu_seconds()
        gap, last_cpu = now - self._last_look, self._last_cpu
        self._last_look, self._last_cpu = now, cpu
        waiting = self._waiting_seconds() or 0.0
        waited, self._last_waiting = waiting - self._last_waiting, waiting
        if waited > _WAITED_SHARE * gap:  # a run has used more than its share, so all of the container waited
            return 0.0
        if cpu is None or last_cpu is None:
            return gap if gap > _LONG_GAP_SECONDS else 0.0
        return gap if gap > _GAP_SECONDS and cpu - last_cpu < self._least_use * gap else 0.0


def container_waiting_seconds(file: Path = _WAITING) -> float | None:
    """Return how long this container has waited for its share of the processors; None without a counter.

    Only control groups of version 2 show it to a container; under version 1 it is masked, like all others.
    """
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        name, _space, value = line.partition(" ")
        if name == "throttled_usec" and value.isdigit():
            return int(value) / 1e6
    return None


def container_share(files: tuple[Path, ...] = _SHARES) -> float | None:
    """Return how many cores this container may use, such as 0.5; None where no limit is shown."""
    for file in files:
        try:
            numbers = file.read_text().split()
            if len(numbers) == 1:  # control groups 1: the period is in a file of its own
                numbers.append(file.with_name("cpu.cfs_period_us").read_text().strip())
        except OSError:
            continue
        if len(numbers) == 2 and all(number.isdigit() for number in numbers) and int(numbers[1]):
            return int(numbers[0]) / int(numbers[1])
    return None


def container_cpu_seconds(counters: tuple[Path, ...] = _COUNTERS) -> float | None:
    """Return the processor time that this container has used; None without a counter."""
    for file in counters:
        try:
            text = file.read_text()
        except OSError:
            continue
        for line in text.splitlines():
            name, _space, value = line.rpartition(" ")
            if name in ("", "usage_usec") and value.isdigit():
                return int(value) / (1e6 if name else 1e9)
    return None
