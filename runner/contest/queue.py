"""What waits to be evaluated: in which order, and when each is likely to begin."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.competition.competition import Competition
from runner.competition.queue_order import Waiting, iterate_queue, places, queue_order
from runner.competition.states import EntryState
from runner.files import read_stored_file
from runner.store.competition.queue import QueueRow
from runner.store.competition.records import CompetitionEntry
from runner.store.database import utc_now
from runner.store.store import Store

WINDOW: Final = timedelta(days=1)
"""In which machine time counts for the order of teams."""
_GUESSED_SECONDS_PER_RUN: Final = 1.0
"""Where nothing is measured yet: it only orders teams, and is shown to nobody."""
_GUESSED_SECONDS_TO_SCORE: Final = 10.0
"""Of an entry whose stored outputs are scored again."""
_AT_WORK: Final = (EntryState.RUNNING, EntryState.SCORING)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedEntry:
    """An entry in the queue."""

    entry: CompetitionEntry
    position: int
    """From 1."""
    starts_in: float | None
    """Expected seconds until it begins, with as many devices as are at work now, at least one; None where too
    little is measured."""


@dataclass(frozen=True, slots=True)
class _Queue:
    """What waits, and what the devices do meanwhile."""

    rows: dict[int, QueueRow]
    """Entries that wait, by their numbers."""
    waiting: list[Waiting]
    """The same, without an order."""
    used_seconds: dict[str, float]
    """Machine time of each team, what is at work included."""
    busy_for: list[float]
    """Expected seconds of each entry that is at work."""
    measured: set[str]
    """Challenges on which it is known how long a run takes."""
    is_known: bool
    """Whether that of all entries at work is."""


def queued_entries(store: Store, folder: Path, competition: Competition) -> list[QueuedEntry]:
    """Return the queue in the order in which it is evaluated.

    Args:
        store: That records the entries.
        folder: Of the competition.
        competition: Of that folder.
    """
    queue = _read_queue(store, folder, competition)
    entries = store.competition_entries(competition.name, states=[EntryState.QUEUED], with_pending=True)
    by_id = {entry.id: entry for entry in entries}
    known, order = queue.is_known, []
    for place in places(queue_order(queue.waiting, queue.used_seconds), queue.busy_for or [0.0]):
        entry = by_id.get(place.entry.id)
        if entry is None:  # it has begun meanwhile
            continue
        order.append(
            QueuedEntry(entry=entry, position=place.position, starts_in=place.starts_in if known else None)
        )
        known = known and entry.challenge in queue.measured  # of what comes after it
    return order


def next_entry(
    store: Store, folder: Path, competition: Competition, *, skip: Callable[[QueueRow], bool]
) -> CompetitionEntry | None:
    """Return the first entry of the queue that is not skipped; None if there is none.

    Args:
        store: That records the entries.
        folder: Of the competition.
        competition: Of that folder.
        skip: Returns whether an entry is left alone.
    """
    queue = _read_queue(store, folder, competition)
    for waiting in iterate_queue(queue.waiting, queue.used_seconds):
        if not skip(queue.rows[waiting.id]):
            return store.competition_entry(competition.name, waiting.id)
    return None


def _read_queue(store: Store, folder: Path, competition: Competition) -> _Queue:
    rows = store.queue_rows(competition.name, (EntryState.QUEUED, *_AT_WORK))
    rates = _seconds_per_run(store, folder, {row.challenge for row in rows})
    phases = {phase.name: phase for phase in competition.phases}

    def seconds(row: QueueRow) -> float:
        if row.is_rescored:
            return _GUESSED_SECONDS_TO_SCORE
        return rates.get(row.challenge, _GUESSED_SECONDS_PER_RUN) * phases[row.phase].runs

    now = utc_now()
    queue = _Queue(
        rows={},
        waiting=[],
        used_seconds=store.used_seconds(competition.name, now - WINDOW),
        busy_for=[],
        measured=set(rates),
        is_known=all(row.challenge in rates for row in rows if row.state in _AT_WORK),
    )
    for row in rows:
        if row.phase not in phases:
            continue
        expected = seconds(row)
        if row.state in _AT_WORK:
            queue.busy_for.append(max(0.0, expected - (now - row.state_since).total_seconds()))
            if not row.is_rejudged:  # or several devices would take one team's entries at the same time
                queue.used_seconds[row.team] = queue.used_seconds.get(row.team, 0.0) + expected
        else:
            queue.rows[row.id] = row
            queue.waiting.append(
                Waiting(
                    id=row.id,
                    team=row.team,
                    priority=phases[row.phase].priority,
                    received=row.received,
                    seconds=expected,
                )
            )
    return queue


def _seconds_per_run(store: Store, folder: Path, challenges: set[str]) -> Mapping[str, float]:
    """Return what a run takes on each challenge, as the median of evaluations that have ended."""
    hashes = {path: challenge_sha256(folder / path) for path in challenges}
    rates = store.seconds_per_run() if challenges else {}
    return {path: rates[sha256] for path, sha256 in hashes.items() if sha256 in rates}


def challenge_sha256(folder: Path) -> str | None:
    """Return what identifies the challenge in a folder; None where there is none."""
    try:
        text = read_stored_file(folder / DESCRIPTION_FILE, max_bytes=DESCRIPTION_BYTES)
    except OSError:
        return None
    return hashlib.sha256(text).hexdigest()
