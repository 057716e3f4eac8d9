"""Which processes of a node whose lease has ended: a decision about times of one monotonic clock."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from runner.cluster.orders import ProcessMark


class Leases:
    """The leases of coordinators on a node's processes. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._leases: dict[str, tuple[float, tuple[ProcessMark, ...]]] = {}

    def renew(self, coordinator: str, until: float, processes: Sequence[ProcessMark]) -> None:
        """Let a coordinator have processes until a moment; those that it does not name again stay leased."""
        with self._lock:
            _until, before = self._leases.get(coordinator, (0.0, ()))
            self._leases[coordinator] = (until, tuple(dict.fromkeys((*before, *processes))))

    def has(self, coordinator: str) -> bool:
        """Return whether a coordinator has a lease."""
        with self._lock:
            return coordinator in self._leases

    def release(self, coordinator: str) -> tuple[ProcessMark, ...]:
        """End a lease; return its processes."""
        with self._lock:
            return self._leases.pop(coordinator, (0.0, ()))[1]

    def expired(self, now: float) -> list[ProcessMark]:
        """End the leases that have run out, and return their processes."""
        with self._lock:
            late = [name for name, (until, _processes) in self._leases.items() if until <= now]
            return [process for name in late for process in self._leases.pop(name)[1]]
