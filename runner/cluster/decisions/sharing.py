"""Decide which runs a device gets: shares of what waits, and again what was lost."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from runner.clients.runs import PlannedRun

MAX_SHARE: Final = 128
"""Runs that a device is given at once: starting it takes some seconds, and a lost device loses what it has
not delivered."""


def share_size(waiting: int, devices: int) -> int:
    """Return how many runs the next free device gets.

    Args:
        waiting: Runs that no device has.
        devices: That work on this evaluation, at least one.
    """
    return min(MAX_SHARE, -(-waiting // max(1, devices)))


def devices_of_each(devices: int, evaluations: int) -> int:
    """Return how many devices an evaluation may use beside others, at least one.

    Args:
        devices: Of the cluster.
        evaluations: In progress, at least one.
    """
    return max(1, -(-devices // max(1, evaluations)))


class RunShares:
    """The runs of one call of an executor: which wait, and which device has which."""

    def __init__(self, planned: Iterable[PlannedRun]) -> None:
        self._waiting = deque(planned)
        self._handed: dict[object, dict[int, PlannedRun]] = {}

    @property
    def waiting(self) -> int:
        """Return how many runs no device has."""
        return len(self._waiting)

    def hand_out(self, share: object, devices: int) -> Sequence[PlannedRun]:
        """Return the runs of a new share, in their order.

        Args:
            share: Identifies it.
            devices: That work on the evaluation.
        """
        size = share_size(len(self._waiting), devices)
        runs = [self._waiting.popleft() for _ in range(size)]
        self._handed[share] = {run.index: run for run in runs}
        return runs

    def rename(self, share: object, name: object) -> None:
        """Identify a share by something else from now on."""
        self._handed[name] = self._handed.pop(share)

    def delivered(self, share: object, index: int) -> bool:
        """Record that a run of a share has come; return False if the share has no such run (any more)."""
        return self._handed.get(share, {}).pop(index, None) is not None

    def end(self, share: object) -> list[int]:
        """Take back what a share has not delivered, to be executed first; return the indices."""
        left = self._handed.pop(share, {})
        self._waiting.extendleft(reversed(left.values()))
        return list(left)

    def drop_waiting(self) -> None:
        """Start none of those that wait."""
        self._waiting.clear()
