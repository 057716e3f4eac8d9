"""The kernel's counters of memory kills in this container."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_OOM_COUNTERS: Final = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)

MAX_KILLS: Final = 16
"""A run of which the kernel has killed so many processes for memory is ended. Engines write the state of the
container to the host's disk for each of them, and wait until it is there."""
LOOK_SECONDS: Final = 0.25
"""The supervisor looks at least this often while a run goes on."""


def oom_kills(counters: tuple[Path, ...] = _OOM_COUNTERS) -> int:
    """Return how many processes the kernel has killed for memory in this container; 0 without a counter.

    Control groups count every kill, also one because the whole host was short of memory.
    """
    return max(0, _read_counter("oom_kill", counters))


def oom_events(counters: tuple[Path, ...] = _OOM_COUNTERS) -> int:
    """Return how often this container's own limit left no memory; -1 without such a counter.

    Only control groups of version 2 have it. Under version 1 the host asks the engine.
    """
    return _read_counter("oom", counters)


def _read_counter(name: str, files: tuple[Path, ...]) -> int:
    for file in files:
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            key, _space, value = line.partition(" ")
            if key == name:
                return int(value)
    return -1
