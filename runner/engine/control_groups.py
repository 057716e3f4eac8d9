"""The control groups of a container on this machine: how much memory and processor time it uses.

The engine's own figures take a second each, and a run may be shorter. Its groups are readable by everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
"""Where processes are listed."""
CGROUPS: Final = Path("/sys/fs/cgroup")
"""Where control groups are mounted."""
_FILES_1: Final = ("memory.usage_in_bytes", "total_inactive_file", "total_active_file")
_FILES_2: Final = ("memory.current", "inactive_file", "active_file")
_PROCESSOR_TIME_1, _PROCESSOR_TIME_2 = "cpuacct.usage", "cpu.stat"


@dataclass(frozen=True, slots=True)
class ControlGroup:
    """A container's group in the hierarchy that has one controller."""

    folder: Path
    top: Path
    """The root of the hierarchy, which has no limits."""
    is_version_1: bool

    @property
    def above(self) -> tuple[Path, ...]:
        """Return the groups around it, the innermost first, without the root."""
        return tuple(folder for folder in self.folder.parents if self.top in folder.parents)


def control_group(
    identity: str, process: int, controller: str, *, proc: Path = PROC, groups: Path = CGROUPS
) -> ControlGroup | None:
    """Return the group of a container; None if it is on another machine, or its group is not visible.

    Args:
        identity: The engine's name of the container, which is part of the name of its group.
        process: Number of its first process, on the engine's machine.
        controller: Name of version 1, such as ``cpuacct``; version 2 has one hierarchy for all.
        proc: Where processes are listed.
        groups: Where control groups are mounted.
    """
    try:
        lines = (proc / str(process) / "cgroup").read_text().splitlines()
    except OSError:
        return None
    for line in sorted(lines, reverse=True):  # version 2 is number 0, so last
        _number, controllers, path = line.split(":", 2)
        if identity not in path or ".." in path:
            continue
        is_version_1 = controller in controllers.split(",")
        if is_version_1 or not controllers:
            top = groups / controller if is_version_1 else groups
            return ControlGroup(top / _whole_group(path, identity), top, is_version_1)
    return None


def _whole_group(path: str, identity: str) -> str:
    """Return the group that is named after a container: some runtimes put its processes in one below."""
    parts = path.lstrip("/").split("/")
    return "/".join(parts[: next(n for n, part in enumerate(parts) if identity in part) + 1])


def memory_bytes(group: ControlGroup) -> int | None:
    """Return what processes, their files in memory and the kernel use for a container, without file cache.

    Args:
        group: Of the container, for ``memory``.

    Returns:
        None if it is gone.
    """
    use, *cache = _FILES_1 if group.is_version_1 else _FILES_2
    try:
        total = int((group.folder / use).read_text())
        stat = dict(line.split() for line in (group.folder / "memory.stat").read_text().splitlines())
        return max(0, total - sum(int(stat[name]) for name in cache))
    except (OSError, ValueError, KeyError):
        return None


def processor_seconds(group: ControlGroup) -> float | None:
    """Return the processor time that a container has used.

    Args:
        group: Of the container, for ``cpuacct``.

    Returns:
        None if it is gone.
    """
    try:
        if group.is_version_1:
            return int((group.folder / _PROCESSOR_TIME_1).read_text()) / 1e9
        words = (group.folder / _PROCESSOR_TIME_2).read_text().split()
        return int(words[words.index("usage_usec") + 1]) / 1e6
    except (OSError, ValueError, IndexError):
        return None
