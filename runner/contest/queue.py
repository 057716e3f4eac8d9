"""What waits to be evaluated: in which order, and when each is likely to begin."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from runner.challenge.layout import DESCRIPTION_BYTES, DESCRIPTION_FILE
from runner.competition.competition import Competition
from runner.competition.queue_order import Waiting, places, queue_order
from runner.competition.states import EntryState
from runner.files import read_stored_file
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


def queued_entries(store: Store, folder: Path, competition: Competition) -> list[QueuedEntry]:
    """Return the queue in the order in which it is evaluated.

    Args:
        store: That records the entries.
        folder: Of the competition.
        competition: Of that folder.
    """
    entries = store.competition_entries(competition.name, states=[EntryState.QUEUED], with_pending=True)
    at_work = store.competition_entries(competition.name, states=_AT_WORK, with_pending=True)
    rates = _seconds_per_run(store, folder, {entry.challenge for entry in (*entries, *at_work)})
    phases = {phase.name: phase for phase in competition.phases}
    runs = {name: phase.runs for name, phase in phases.items()}

    def seconds(entry: CompetitionEntry) -> float:
        if entry.rescores is not None:
            return _GUESSED_SECONDS_TO_SCORE
        rate = rates.get(entry.challenge)
        return (_GUESSED_SECONDS_PER_RUN if rate is None else rate) * runs[entry.phase]

    waiting = [
        Waiting(
            id=entry.id,
            team=entry.team,
            priority=phases[entry.phase].priority,
            received=entry.received,
            seconds=seconds(entry),
        )
        for entry in entries
        if entry.phase in phases
    ]
    now = utc_now()
    used = store.used_seconds(competition.name, now - WINDOW)
    busy = []
    for entry in at_work:
        if entry.phase in phases:
            expected = seconds(entry)
            busy.append(max(0.0, expected - (now - entry.state_since).total_seconds()))
            if entry.batch is None:  # or several devices would take one team's entries at the same time
                used[entry.team] = used.get(entry.team, 0.0) + expected
    by_id = {entry.id: entry for entry in entries}
    known = all(entry.challenge in rates for entry in at_work)
    order = []
    for place in places(queue_order(waiting, used), busy or [0.0]):
        entry = by_id[place.entry.id]
        order.append(
            QueuedEntry(entry=entry, position=place.position, starts_in=place.starts_in if known else None)
        )
        known = known and entry.challenge in rates  # of what comes after it
    return order


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
