"""The order in which waiting entries are evaluated, and when each is likely to begin.

First the phase's priority, then the machine time that the team has used in the window, then the time of
receipt. The time of an entry counts as used by its team as soon as it has a place in the order, so that the
entries of one team take turns with those of the others, however many it hands in at once.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An entry in the queue."""

    id: int
    team: str
    priority: int
    """Of its phase; a lower number comes first."""
    received: datetime
    seconds: float
    """Machine time that its evaluation is expected to take, zero or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an entry is in the queue."""

    entry: Waiting
    position: int
    """From 1."""
    starts_in: float
    """Expected seconds until a device is free for it."""


def queue_order(waiting: Iterable[Waiting], used_seconds: Mapping[str, float]) -> list[Waiting]:
    """Return the entries in the order in which they are to be evaluated; see `iterate_queue`."""
    return list(iterate_queue(waiting, used_seconds))


def iterate_queue(waiting: Iterable[Waiting], used_seconds: Mapping[str, float]) -> Iterator[Waiting]:
    """Yield the entries in the order in which they are to be evaluated: the first ones cost little.

    Args:
        waiting: Without order.
        used_seconds: Machine time of each team in the window; teams without any may be missing.
    """
    of_team: dict[tuple[int, str], list[Waiting]] = defaultdict(list)
    for entry in waiting:
        of_team[entry.priority, entry.team].append(entry)
    for entries in of_team.values():
        entries.sort(key=lambda entry: (entry.received, entry.id), reverse=True)  # the next is the last
    used = dict(used_seconds)
    for priority in sorted({priority for priority, _team in of_team}):
        heap = [
            _rank(used.get(team, 0.0), entries[-1])
            for (of, team), entries in of_team.items()
            if of == priority
        ]
        heapq.heapify(heap)
        while heap:
            team = heapq.heappop(heap)[-1]
            entries = of_team[priority, team]
            entry = entries.pop()
            yield entry
            used[team] = used.get(team, 0.0) + entry.seconds
            if entries:
                heapq.heappush(heap, _rank(used[team], entries[-1]))


def _rank(used: float, entry: Waiting) -> tuple[float, datetime, int, str]:
    return used, entry.received, entry.id, entry.team


def places(order: Sequence[Waiting], busy_for: Sequence[float]) -> list[Place]:
    """Return the place of each entry, each begun on the device that is free first.

    Args:
        order: From `queue_order`.
        busy_for: Expected seconds until each device is free, at least one device.

    Raises:
        ValueError: there is no device.
    """
    if not busy_for:
        raise ValueError("a queue needs at least one device")
    free = list(busy_for)
    heapq.heapify(free)
    result = []
    for position, entry in enumerate(order, start=1):
        starts_in = free[0]
        result.append(Place(entry=entry, position=position, starts_in=starts_in))
        heapq.heapreplace(free, starts_in + entry.seconds)
    return result
