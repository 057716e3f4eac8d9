"""What a team sees of an entry: its state, and what happens next; no text that a run could have written."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from runner.competition.states import EntryState
from runner.contest.queue import QueuedEntry, queued_entries
from runner.store.competition.records import CompetitionEntry
from runner.web.context import WebContext

HELD_SENTENCE = "a fault on our side; it is tried again"
_BY_RUNS = (EntryState.SCORED, EntryState.FAILED)
_ON_ITS_WAY = (EntryState.QUEUED, EntryState.RUNNING, EntryState.SCORING)


class EntryView(BaseModel):
    """An entry as its team sees it."""

    id: int
    phase: str
    team: str
    file_name: str
    received: str
    """With the offset of the competition's zone."""
    state: str
    state_since: str
    position: int | None
    """In the queue, from 1; null outside of it."""
    starts_in_seconds: float | None
    """Expected time until it begins; null where too little is measured."""
    reason: str
    """Why it was refused or taken out; empty where there is nothing to say."""


def entry_view(
    context: WebContext, entry: CompetitionEntry, queue: Mapping[int, QueuedEntry] | None = None
) -> EntryView:
    """Return an entry as its team sees it.

    Args:
        context: What all requests share.
        entry: Of the competition.
        queue: From `queue_places`, where several entries are shown.
    """
    if queue is None:
        queue = queue_places(context) if entry.state is EntryState.QUEUED else {}
    queued = queue.get(entry.id)
    return EntryView(
        id=entry.id,
        phase=entry.phase,
        team=entry.team,
        file_name=entry.file_name,
        received=entry.received.astimezone(context.zone).isoformat(),
        state=str(entry.state),
        state_since=entry.state_since.astimezone(context.zone).isoformat(),
        position=None if queued is None else queued.position,
        starts_in_seconds=None if queued is None else queued.starts_in,
        reason=_reason(entry),
    )


def queue_places(context: WebContext) -> dict[int, QueuedEntry]:
    """Return the places of all waiting entries, by their numbers."""
    queue = queued_entries(context.store, context.contest.folder, context.competition)
    return {queued.entry.id: queued for queued in queue}


def _reason(entry: CompetitionEntry) -> str:
    if entry.state in _BY_RUNS or entry.state in _ON_ITS_WAY:
        return ""
    if entry.state is EntryState.HELD:
        return HELD_SENTENCE
    return entry.reason or ""
