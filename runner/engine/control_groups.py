"""The control groups of containers on this machine: what one uses, and whether anything ran out around it.

The engine's own figures take a second each, and a run may be shorter. Its groups are readable by everybody.

The engine says that a container was killed for memory, because the kernel told it so. Under control groups 1
every container below a limit is told when that is used up, killed or not. Under version 2 a kill is counted
for the group of the process, also if the whole host was short. The container's own group would tell these
apart, but is gone before the engine reports the end. Those above remain.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
_NO_LIMIT_BYTES: Final = 1 << 60
_MOUNTS: Final = Path("/proc/self/mounts")
_EVENTS, _OWN_EVENTS = "memory.events", "memory.events.local"


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
        for controllers, path in _groups_of(identity, process, proc):
            if "memory" in controllers:
                return cls(groups / "memory" / path, _FILES_1)
            if not controllers:
                return cls(groups / _whole_group(path, identity), _FILES_2)
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


def _whole_group(path: str, identity: str) -> str:
    """Return the group that is named after a container: some runtimes put its processes in one below."""
    parts = path.split("/")
    return "/".join(parts[: next(n for n, part in enumerate(parts) if identity in part) + 1])


def _groups_of(identity: str, process: int, proc: Path) -> Iterator[tuple[list[str], str]]:
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
    for controllers, path in _groups_of(identity, process, proc):
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


@dataclass(frozen=True, slots=True)
class OuterGroups:
    """The control groups above a container's, the innermost first."""

    folders: tuple[Path, ...]
    before: Mapping[str, int | None]
    """Under version 2, by file: how often memory had run out when the container started."""

    @classmethod
    def of(cls, group: MemoryGroup, *, groups: Path = CGROUPS, mounts: Path = _MOUNTS) -> Self:
        """Return the groups above a container's, as they are when it starts.

        Args:
            group: Of the container.
            groups: Where control groups are mounted.
            mounts: The list of mounts.
        """
        top = groups / "memory" if group.is_version_1 else groups
        folders = tuple(folder for folder in group.folder.parents if top in folder.parents)
        if group.is_version_1 or _each_counts_its_own(mounts):
            return cls(folders, {})
        return cls(folders, _events(folders))

    def ran_short(self) -> bool:
        """Return whether a kill for memory in the container is explained by what is around it.

        Under version 2 memory did not run out in any group below the one above it, or did in one of these by
        its own limit, since the container started. Under version 1 one of these has reached its own limit.
        """
        if not self.before:
            return any(_has_reached_limit(folder) for folder in self.folders)
        now = _events(self.folders)
        if None in now.values() or None in self.before.values():
            return False
        inner, *limits = (now[file] != count for file, count in self.before.items())
        return not inner or any(limits)


def _each_counts_its_own(mounts: Path) -> bool:
    """Return whether groups of version 2 do not count what happens below them, which is rare."""
    try:
        return "memory_localevents" in mounts.read_text()
    except OSError:
        return True


def _events(folders: tuple[Path, ...]) -> dict[str, int | None]:
    """Return how often memory ran out: in all groups below the first folder, then by each one's own limit."""
    files = [folder / _EVENTS for folder in folders[:1]] + [folder / _OWN_EVENTS for folder in folders]
    return {str(file): _out_of_memory(file) for file in files}


def _out_of_memory(file: Path) -> int | None:
    try:
        words = file.read_text().split()
        return int(words[words.index("oom") + 1])
    except (OSError, ValueError, IndexError):
        return None


def _has_reached_limit(folder: Path) -> bool:
    """Return whether a group of version 1 has a limit and came up to it."""
    try:
        peak, limit = (
            int((folder / f"memory.{name}_in_bytes").read_text()) for name in ("max_usage", "limit")
        )
    except (OSError, ValueError):
        return False
    return limit < _NO_LIMIT_BYTES and peak >= limit - LARGEST_REQUEST_BYTES


def outer_process_groups(
    identity: str, process: int, *, proc: Path = PROC, groups: Path = CGROUPS
) -> tuple[Path, ...]:
    """Return the groups above a container's that count its processes; none where they are not visible here.

    Args:
        identity: The engine's name of the container, which is part of the name of its group.
        process: Number of its first process, on the engine's machine.
        proc: Where processes are listed.
        groups: Where control groups are mounted.
    """
    for controllers, path in _groups_of(identity, process, proc):
        if "pids" in controllers or not controllers:
            top = groups / "pids" if controllers else groups
            above = (top / _whole_group(path, identity)).parents
            return tuple(folder for folder in above if top in folder.parents)
    return ()


def out_of_processes(folders: tuple[Path, ...]) -> bool:
    """Return whether one of these groups has come up to its limit of processes, now or before.

    Kernels before 6.0 do not tell.
    """
    return any(_is_full(folder) for folder in folders)


def _is_full(folder: Path) -> bool:
    try:
        peak, limit = ((folder / f"pids.{name}").read_text().strip() for name in ("peak", "max"))
        return limit != "max" and int(peak) >= int(limit)
    except (OSError, ValueError):
        return False
