"""What is read once for many requests: the files of results, and the queue."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from runner.contest.opened import OpenContest
from runner.contest.queue import QueuedEntry, queued_entries
from runner.contest.service.snapshot import PhaseSnapshot, read_snapshot, snapshot_path

_QUEUE_SECONDS: Final = 2.0
"""For which places in the queue are shown as they were: computing them reads all evaluations."""


@dataclass(slots=True)
class Snapshots:
    """The snapshots of all phases; a file is parsed again once it has changed."""

    store_folder: Path
    _parsed: dict[str, tuple[tuple[int, int], PhaseSnapshot]] = field(default_factory=dict)

    def get(self, phase: str) -> PhaseSnapshot | None:
        """Return the snapshot of a phase; None before the first one.

        Raises:
            HostNotReadyError: the file cannot be read, or is damaged.
        """
        try:
            status = snapshot_path(self.store_folder, phase).stat()
        except OSError:
            return read_snapshot(self.store_folder, phase)
        version = (status.st_mtime_ns, status.st_ino)
        earlier = self._parsed.get(phase)
        if earlier is not None and earlier[0] == version:
            return earlier[1]
        snapshot = read_snapshot(self.store_folder, phase)
        if snapshot is not None:
            self._parsed[phase] = (version, snapshot)
        return snapshot


@dataclass(slots=True)
class Queue:
    """The places of waiting entries, a few seconds old at most."""

    contest: OpenContest
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _places: Mapping[int, QueuedEntry] = field(default_factory=dict)
    _read: float = float("-inf")

    def places(self) -> Mapping[int, QueuedEntry]:
        """Return the places by the numbers of entries.

        Raises:
            HostNotReadyError: the store cannot be read.
        """
        with self._lock:
            if time.monotonic() - self._read > _QUEUE_SECONDS:
                contest = self.contest
                queue = queued_entries(contest.store, contest.folder, contest.competition)
                self._places = {queued.entry.id: queued for queued in queue}
                self._read = time.monotonic()
            return self._places
