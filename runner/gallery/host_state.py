"""What an attack has left on the host itself: looked at from outside any container."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import psutil

from runner.engine.api import Engine
from runner.errors import HostNotReadyError

_Found = TypeVar("_Found")

MARK: Final = "unlearn-hostile"
"""Stands in every name that an attack gives a file, a socket or a variable."""

_FOLDERS: Final = tuple(map(Path, ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/home")))  # noqa: S108
_SYSTEM_V: Final = tuple(map(Path, ("/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg")))
_PATIENCE_SECONDS: Final = 10.0
_LAST_PATIENCE_SECONDS: Final = 60.0
"""For the host as a whole, where others begin and end work of theirs, too."""
_PAUSE_SECONDS: Final = 0.1
_MEMORY_SLACK: Final = 0.1
"""Of the host's memory. Others work on the host as well."""
_PROCESS_SLACK: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """What the host was like before."""

    processes: int
    available_bytes: int
    system_v_objects: int


def read_host_state() -> HostState:
    """Return what the host is like."""
    return HostState(
        processes=len(psutil.pids()),
        available_bytes=psutil.virtual_memory().available,
        system_v_objects=sum(_lines(file) for file in _SYSTEM_V),
    )


def leftovers_of_run(uid: int) -> list[str]:
    """Return, in words, which processes of a run's uid are still there; none where uids are not shared.

    The last process of a container that has ended is there until it has given back all of its files, which
    takes seconds where they are millions.
    """
    if not (alive := _eventually(lambda: _processes_of(uid), seconds=_PATIENCE_SECONDS)):
        return []
    return [f"{len(alive)} of its processes live on the host ({', '.join(map(str, alive[:5]))})"]


def leftovers(before: HostState, engine: Engine, labels: Mapping[str, str]) -> list[str]:
    """Return, in words, what is not as it was before the gallery."""

    def look() -> list[str]:
        return [*_files(), *_containers(engine, labels), *_changes(before, read_host_state())]

    return _eventually(look, seconds=_LAST_PATIENCE_SECONDS)


def _changes(before: HostState, now: HostState) -> list[str]:
    found: list[str] = []
    if now.processes > before.processes + _PROCESS_SLACK:
        found.append(f"the host has {now.processes} processes; before it had {before.processes}")
    if now.available_bytes < before.available_bytes - _MEMORY_SLACK * psutil.virtual_memory().total:
        gone = (before.available_bytes - now.available_bytes) >> 20
        found.append(f"the host has {gone} MiB less memory available than before")
    if now.system_v_objects > before.system_v_objects:
        found.append(f"{now.system_v_objects - before.system_v_objects} new System V objects on the host")
    return found


def _files() -> list[str]:
    found = [entry for folder in _FOLDERS if folder.is_dir() for entry in folder.glob(f"*{MARK}*")]
    return [f"{entry} is there" for entry in found]


def _containers(engine: Engine, labels: Mapping[str, str]) -> list[str]:
    try:
        there = engine.containers(labels)
    except HostNotReadyError as error:
        return [str(error)]
    return [f"container {identity[:12]} is there" for identity, _labels in there]


def _processes_of(uid: int) -> list[int]:
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if uid in process.uids() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def _lines(file: Path) -> int:
    try:
        return max(0, len(file.read_text().splitlines()) - 1)
    except OSError:
        return 0


def _eventually(look: Callable[[], list[_Found]], *, seconds: float) -> list[_Found]:
    """Return nothing as soon as a look finds nothing, else what the last one found."""
    deadline = time.monotonic() + seconds
    while (found := look()) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return found
