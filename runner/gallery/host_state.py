"""Look for leftovers of attacks on the host itself, from outside any container."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import psutil

from runner.engine.api import Engine
from runner.errors import HostNotReadyError

_Item = TypeVar("_Item")

MARK: Final = "unlearn-hostile"
"""Part of every name that an attack gives to a file, a socket or a variable."""

_FOLDERS: Final = tuple(map(Path, ("/", "/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/home")))  # noqa: S108
_SYSTEM_V: Final = tuple(map(Path, ("/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg")))
_RUN_WAIT_SECONDS: Final = 10.0
_HOST_WAIT_SECONDS: Final = 60.0
"""Longer, since other work on the host starts and ends, too."""
_PAUSE_SECONDS: Final = 0.1
_MEMORY_SLACK: Final = 0.1
"""Fraction of the host's memory, since other work on the host uses memory as well."""
_PROCESS_SLACK: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HostState:
    """Counters of the host that an attack could change."""

    processes: int
    available_bytes: int
    system_v_objects: int


def read_host_state() -> HostState:
    """Return the present state of the host."""
    return HostState(
        processes=len(psutil.pids()),
        available_bytes=psutil.virtual_memory().available,
        system_v_objects=sum(_lines(file) for file in _SYSTEM_V),
    )


def leftovers_of_run(uid: int) -> list[str]:
    """Return a sentence if processes with a run's uid still exist on the host.

    It finds none where the host does not see the container's uids. The last process of a container that has
    ended exists until the kernel has released its files, which takes seconds if they are millions.
    """
    if not (alive := _poll_until_empty(lambda: _processes_of(uid), seconds=_RUN_WAIT_SECONDS)):
        return []
    return [f"{len(alive)} of its processes still exist on the host ({', '.join(map(str, alive[:5]))})"]


def leftovers(before: HostState, engine: Engine, labels: Mapping[str, str]) -> list[str]:
    """Return a sentence for each difference from the host's state before the gallery."""

    def differences() -> list[str]:
        return [*_files(), *_containers(engine, labels), *_changes(before, read_host_state())]

    return _poll_until_empty(differences, seconds=_HOST_WAIT_SECONDS)


def _changes(before: HostState, now: HostState) -> list[str]:
    changes: list[str] = []
    if now.processes > before.processes + _PROCESS_SLACK:
        changes.append(f"the host has {now.processes} processes; it had {before.processes} before")
    if now.available_bytes < before.available_bytes - _MEMORY_SLACK * psutil.virtual_memory().total:
        missing_mib = (before.available_bytes - now.available_bytes) >> 20
        changes.append(f"the host has {missing_mib} MiB less memory available than before")
    if now.system_v_objects > before.system_v_objects:
        changes.append(f"{now.system_v_objects - before.system_v_objects} new System V objects on the host")
    return changes


def _files() -> list[str]:
    entries = [entry for folder in _FOLDERS if folder.is_dir() for entry in folder.glob(f"*{MARK}*")]
    return [f"{entry} exists" for entry in entries]


def _containers(engine: Engine, labels: Mapping[str, str]) -> list[str]:
    try:
        containers = engine.containers(labels)
    except HostNotReadyError as error:
        return [str(error)]
    return [f"container {identity[:12]} exists" for identity, _labels in containers]


def _processes_of(uid: int) -> list[int]:
    pids: list[int] = []
    for process in psutil.process_iter():
        try:
            if uid in process.uids() and process.status() != psutil.STATUS_ZOMBIE:
                pids.append(process.pid)
        except psutil.Error:
            continue
    return pids


def _lines(file: Path) -> int:
    try:
        return max(0, len(file.read_text().splitlines()) - 1)
    except OSError:
        return 0


def _poll_until_empty(query: Callable[[], list[_Item]], *, seconds: float) -> list[_Item]:
    """Repeat a query until it returns nothing or the time is over; return its last result."""
    deadline = time.monotonic() + seconds
    while (items := query()) and time.monotonic() < deadline:
        time.sleep(_PAUSE_SECONDS)
    return items
