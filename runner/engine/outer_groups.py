"""Whether memory or processes ran out around a container, and not in it: what the groups above it show.

The engine says that a container was killed for memory, because the kernel told it so. Under control groups 1
every container below a limit is told when that is used up, killed or not. Under version 2 a kill is counted
for the group of the process, also if the whole host was short. The container's own group would tell these
apart, but is gone before the engine reports the end. Those above remain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from runner.engine.memory_use import (
    CGROUPS,
    LARGEST_REQUEST_BYTES,
    PROC,
    MemoryGroup,
    groups_of,
    whole_group,
)

_NO_LIMIT_BYTES: Final = 1 << 60
_MOUNTS: Final = Path("/proc/self/mounts")
_EVENTS, _OWN_EVENTS = "memory.events", "memory.events.local"


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
    for controllers, path in groups_of(identity, process, proc):
        if "pids" in controllers or not controllers:
            top = groups / "pids" if controllers else groups
            above = (top / whole_group(path, identity)).parents
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
