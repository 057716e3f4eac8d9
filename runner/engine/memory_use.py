"""How much memory and processor time a container uses, read from its control group on this machine.

The engine's own figures take a second each, and a run may be shorter. Its groups are readable by everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from runner.units import MIB

PROC: Final = Path("/proc")
"""Where processes are listed."""
CGROUPS: Final = Path("/sys/fs/cgroup")
"""Where control groups are mounted."""
_FILES_1: Final = ("memory.usage_in_bytes", "total_inactive_file", "total_active_file")
_FILES_2: Final = ("memory.current", "inactive_file", "active_file")
LARGEST_REQUEST_BYTES: Final = 16 * MIB
"""The kernel refuses a request for memory as a whole, so a limit may be reached by so much less."""


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    """The control group in which a container's memory is counted."""

    folder: Path
    names: tuple[str, ...]
    """Of the file with its use, and of the figures in ``memory.stat`` that are file cache."""

    @classmethod
    def of_container(
        cls, identity: str, process: int, *, proc: Path = PROC, groups: Path = CGROUPS
    ) -> Self | None:
        """Return the group of a container; None if it is on another machine, or its group is not visible.

        Args:
            identity: The engine's name of the container, which is part of the name of its group.
            process: Number of its first process, on the engine's machine.
            proc: Where processes are listed.
            groups: Where control groups are mounted.
        """
        for controllers, path in groups_of(identity, process, proc):
            if "memory" in controllers:
                return cls(groups / "memory" / path, _FILES_1)
            if not controllers:
                return cls(groups / whole_group(path, identity), _FILES_2)
        return None

    @property
    def is_version_1(self) -> bool:
        """Return whether it is a control group of version 1."""
        return self.names == _FILES_1

    def used_bytes(self) -> int | None:
        """Return what its processes, their files in memory and the kernel use for it, without file cache.

        None if it is gone.
        """
        use, *cache = self.names
        try:
            total = int((self.folder / use).read_text())
            stat = dict(line.split() for line in (self.folder / "memory.stat").read_text().splitlines())
            return max(0, total - sum(int(stat[name]) for name in cache))
        except (OSError, ValueError, KeyError):
            return None


def whole_group(path: str, identity: str) -> str:
    """Return the group that is named after a container: some runtimes put its processes in one below."""
    parts = path.split("/")
    return "/".join(parts[: next(n for n, part in enumerate(parts) if identity in part) + 1])


def groups_of(identity: str, process: int, proc: Path) -> Iterator[tuple[list[str], str]]:
    """Yield controllers and path of each control group of a container; version 2, which has none, is last."""
    try:
        lines = (proc / str(process) / "cgroup").read_text().splitlines()
    except OSError:
        return
    for line in sorted(lines, reverse=True):  # version 2 is number 0
        _number, controllers, path = line.split(":", 2)
        if identity in path and ".." not in path:
            yield [name for name in controllers.split(",") if name], path.lstrip("/")


def processor_file(identity: str, process: int, *, proc: Path = PROC, groups: Path = CGROUPS) -> Path | None:
    """Return the file that counts a container's processor time; None if it is not visible here.

    Args:
        identity: The engine's name of the container, which is part of the name of its group.
        process: Number of its first process, on the engine's machine.
        proc: Where processes are listed.
        groups: Where control groups are mounted.
    """
    for controllers, path in groups_of(identity, process, proc):
        if "cpuacct" in controllers:
            return groups / "cpuacct" / path / "cpuacct.usage"
        if not controllers:
            return groups / path / "cpu.stat"
    return None


def processor_seconds(file: Path) -> float | None:
    """Return the processor time in a file that `processor_file` names; None if it is gone."""
    try:
        words = file.read_text().split()
        return int(words[0]) / 1e9 if len(words) == 1 else int(words[words.index("usage_usec") + 1]) / 1e6
    except (OSError, ValueError, IndexError):
        return None
