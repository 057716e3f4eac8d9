"""Whether memory or processes ran out in the control groups around a container, while it existed.

The engine says that a container was killed for memory, because the kernel told it so. Under control groups 1
every container below a limit is told when that is used up, killed or not. Under version 2 a kill is counted
for the group of the process, also if the whole host was short. The container's own group would tell these
apart, but is gone before the engine reports the end. Those above remain.

What they tell may be of long ago: a peak is that of the group's whole life, and groups outlive containers by
weeks. So all of it is read when the container starts, and compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from runner.engine.control_groups import ControlGroup, memory_bytes
from runner.units import MIB

LARGEST_REQUEST_BYTES: Final = 16 * MIB
"""The kernel refuses a request for memory as a whole, so a limit may be reached by so much less."""
_NO_LIMIT_BYTES: Final = 1 << 60
_MOUNTS: Final = Path("/proc/self/mounts")
_EVENTS, _OWN_EVENTS = "memory.events", "memory.events.local"
_KINDS_1: Final = ("memory", "memory.memsw")
"""What version 1 limits: memory, and memory and swap together. Where both limits are the same, kernels
look at the second first, and recent ones (6.18) do not count what it refuses."""


@dataclass(frozen=True, slots=True)
class _Limit:
    """A limit of a group, as it stands at one moment."""

    is_reached: bool
    """Whether the most that was ever used comes up to it."""
    refusals: int | None
    """How often it refused something; None if the kernel does not count that."""

    def has_refused_since(self, before: _Limit, *, has_room: bool) -> bool:
        """Return whether it refused something after an earlier moment.

        Args:
            before: The limit at that moment.
            has_room: Whether all fits in now that the container may use. It decides where the limit was
                reached before, and the kernel does not count what is refused.
        """
        if not self.is_reached:
            return False
        if not before.is_reached:
            return True
        if self.refusals is None:
            return not has_room
        return self.refusals > (before.refusals or 0)


@dataclass(frozen=True, slots=True)
class OuterMemory:
    """The memory of the control groups around a container."""

    folders: tuple[Path, ...]
    limits: tuple[_Limit, ...]
    """Under version 1, of each folder when the container started."""
    own_limit: int | None
    """Under version 1, how many bytes the container may use; None if that is not known."""
    events: Mapping[str, int | None]
    """Under version 2, by file: how often memory had run out when the container started."""

    @classmethod
    def of(cls, group: ControlGroup, *, mounts: Path = _MOUNTS) -> Self:
        """Return the groups around a container, as they are when it starts.

        Args:
            group: Of the container, for ``memory``.
            mounts: The list of mounts.
        """
        folders = group.above
        if group.is_version_1:
            own_limit = _number(group.folder / "memory.limit_in_bytes")
            return cls(folders, tuple(_memory_limit(folder) for folder in folders), own_limit, {})
        # With this mount option, which is rare, groups do not count what happens below them.
        return cls(folders, (), None, {} if _has_option(mounts, "memory_localevents") else _events(folders))

    def ran_short(self) -> bool:
        """Return whether a kill for memory in the container is explained by what is around it.

        Under version 2 memory did not run out in any group below the one above it, or did in one of these by
        its own limit, since the container started. Under version 1 one of these had no memory left for a
        request meanwhile; the kernel may have found some for it then, as where files were in the way. Where
        it had reached its limit before, and the kernel does not count, it has too little left now.
        """
        if not self.events:
            pairs = zip(self.folders, self.limits, strict=False)
            return any(
                _memory_limit(folder).has_refused_since(before, has_room=self._has_room_in(folder))
                for folder, before in pairs
            )
        now = _events(self.folders)
        if None in now.values() or None in self.events.values():
            return False
        inner, *limits = (now[file] != count for file, count in self.events.items())
        return not inner or any(limits)

    def _has_room_in(self, folder: Path) -> bool:
        used = memory_bytes(ControlGroup(folder, folder, is_version_1=True))
        limit = _number(folder / "memory.limit_in_bytes")
        return _fits(self.own_limit, used, limit)


def _has_option(mounts: Path, name: str) -> bool:
    """Return whether a mount has an option, or the mounts cannot be read."""
    try:
        return name in mounts.read_text()
    except OSError:
        return True


def _events(folders: tuple[Path, ...]) -> dict[str, int | None]:
    """Return how often memory ran out: in all groups below the first folder, then by each one's own limit."""
    files = [folder / _EVENTS for folder in folders[:1]] + [folder / _OWN_EVENTS for folder in folders]
    return {str(file): _named_number(file, "oom") for file in files}


def has_reached_limit(group: ControlGroup) -> bool:
    """Return whether a container of version 1 has ever come up to its own limit: of memory, or with swap.

    What the host has moved to its swap is no part of the peak that engines report, but of the second limit.

    Args:
        group: Of the container, for ``memory``.
    """
    return group.is_version_1 and _memory_limit(group.folder).is_reached


def has_peak(group: ControlGroup) -> bool:
    """Return whether a container of version 1 still exists, so that the most that it has used is known.

    Args:
        group: Of the container, for ``memory``.
    """
    return group.is_version_1 and _number(group.folder / "memory.max_usage_in_bytes") is not None


def _memory_limit(folder: Path) -> _Limit:
    """Return the limits of a group of version 1 as one: of memory, and of memory and swap together."""
    is_reached = any(_has_peak_at_limit(folder, kind) for kind in _KINDS_1)
    refusals = sum(_number(folder / f"{kind}.failcnt") or 0 for kind in _KINDS_1)
    return _Limit(is_reached, refusals or None)  # a limit that is reached has refused something


def _has_peak_at_limit(folder: Path, kind: str) -> bool:
    peak, limit = (_number(folder / f"{kind}.{name}_in_bytes") for name in ("max_usage", "limit"))
    if peak is None or limit is None or limit >= _NO_LIMIT_BYTES:
        return False
    return peak >= limit - LARGEST_REQUEST_BYTES


@dataclass(frozen=True, slots=True)
class OuterProcesses:
    """The limits of processes of the control groups around a container."""

    folders: tuple[Path, ...]
    limits: tuple[_Limit, ...]
    """Of each folder when the container started."""
    own_limit: int | None
    """How many processes the container may have; None for any number."""

    @classmethod
    def of(cls, group: ControlGroup, *, mounts: Path = _MOUNTS) -> Self:
        """Return the groups around a container, as they are when it starts.

        Args:
            group: Of the container, for ``pids``.
            mounts: The list of mounts.
        """
        folders = group.above
        # With this mount option refusals are counted where a process asked, not where the limit is.
        is_counted = not _has_option(mounts, "pids_localevents")
        limits = tuple(_process_limit(folder, is_counted=is_counted) for folder in folders)
        return cls(folders, limits, _number(group.folder / "pids.max"))

    def ran_short(self) -> bool:
        """Return whether a process that could not be started is explained by what is around the container.

        One of the groups has come up to its limit since the container started. Where the kernel does not
        count what a limit refuses (version 1, and before 6.11), it may have come up to it before, if it
        leaves no room now for all processes that the container may have. Before 6.0 nothing is told.
        """
        return any(
            _process_limit(folder, is_counted=before.refusals is not None).has_refused_since(
                before, has_room=self._has_room_in(folder)
            )
            for folder, before in zip(self.folders, self.limits, strict=True)
        )

    def _has_room_in(self, folder: Path) -> bool:
        return _fits(self.own_limit, _number(folder / "pids.current"), _number(folder / "pids.max"))


def _process_limit(folder: Path, *, is_counted: bool) -> _Limit:
    """Return the limit of processes of a group; ``is_counted``: whether its refusals can be counted."""
    peak, limit = _number(folder / "pids.peak"), _number(folder / "pids.max")
    is_reached = peak is not None and limit is not None and peak >= limit
    return _Limit(is_reached, _named_number(folder / "pids.events.local", "max") if is_counted else None)


def _fits(own_limit: int | None, used: int | None, limit: int | None) -> bool:
    """Return whether a container's whole limit fits into what a group has left; unknown counts as yes."""
    if used is None or limit is None:
        return True
    return own_limit is not None and used + own_limit <= limit


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):  # gone, or "max"
        return None


def _named_number(file: Path, name: str) -> int | None:
    try:
        words = file.read_text().split()
        return int(words[words.index(name) + 1])
    except (OSError, ValueError, IndexError):
        return None
