"""Queue entries again: held ones after a while, and those whose process has ended without a word."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from runner.competition.states import EntryState
from runner.errors import BusyError
from runner.store.competition.queue import QueueRow
from runner.store.competition.records import CompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.store import Store

MAX_ATTEMPTS: Final = 3
"""How often an entry is attempted whose failures are ours; then an organizer decides."""
RETRY: Final = timedelta(minutes=5)
"""Times the failed attempts, until an entry is attempted again: what disturbs a host lasts a while."""
AT_WORK: Final = (EntryState.RUNNING, EntryState.SCORING)
AGAIN: Final = (EntryState.HELD, EntryState.QUEUED)
"""Steps of an entry that was at work, in one transaction: nobody sees it held, and it counts all the time."""


Place = tuple[str, str, bool]
"""A phase, a challenge, and whether stored outputs are scored again, which needs no device."""


def place_of(entry: CompetitionEntry | QueueRow) -> Place:
    """Return where an entry is evaluated: what one place lacks, the others may have."""
    return entry.phase, entry.challenge, entry.is_rescored


def queue_held(store: Store, competition: str, now: datetime, blocked: Collection[Place]) -> None:
    """Queue held entries again that have waited long enough and failed seldom enough.

    Args:
        store: That records them.
        competition: Its name.
        now: The present moment.
        blocked: Places whose entries cannot be evaluated here.
    """
    for entry in store.competition_entries(competition, states=[EntryState.HELD], with_pending=True):
        if place_of(entry) in blocked:
            continue
        waited = now - entry.state_since
        if entry.attempts < MAX_ATTEMPTS and waited >= entry.attempts * RETRY:
            unchecked = entry.upload is not None and entry.archive_sha256 is None
            step = EntryState.CHECKING if unchecked else EntryState.QUEUED
            store.move_entry(entry.id, step, expected={EntryState.HELD}, reason=entry.reason)


def queue_abandoned(store: Store, folder: Path, competition: str) -> Iterator[CompetitionEntry]:
    """Queue the entries again whose lease nobody holds although they are at work; yield each.

    Args:
        store: That records them.
        folder: Of the store.
        competition: Its name.
    """
    for entry in store.competition_entries(competition, states=AT_WORK, with_pending=True):
        try:
            with evaluation_lease(store.database, folder, entry_lease(entry.evaluation or "")):
                moved = store.move_entry(
                    entry.id,
                    *AGAIN,
                    expected=AT_WORK,
                    reason="the process that evaluated it has ended",
                )
        except BusyError:
            continue
        if moved is not None:
            yield entry


def entry_lease(evaluation: str) -> str:
    """Return the name of the lease on an entry: not that of its evaluation, which is taken besides."""
    return f"entry-{evaluation}"
