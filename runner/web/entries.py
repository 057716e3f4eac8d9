"""What a team sees of an entry: its state, and what happens next; no text that a run could have written."""

from __future__ import annotations

from pydantic import BaseModel

from runner.competition.states import EntryState
from runner.contest.service.snapshot import OwnResult
from runner.store.competition.records import CompetitionEntry
from runner.web.context import WebContext
from runner.web.shown import own_result

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
    score: float | None
    """Where it has one and the phase shows it."""
    reason: str
    """Why it was refused or taken out; empty where there is nothing to say."""


def entry_view(context: WebContext, entry: CompetitionEntry) -> EntryView:
    """Return an entry as its team sees it. Reads the store."""
    queued = context.queue.places().get(entry.id) if entry.state is EntryState.QUEUED else None
    result = own_result(context, entry) if entry.state in _BY_RUNS else None
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
        score=None if result is None else result.score,
        reason=_reason(entry, result),
    )


def _reason(entry: CompetitionEntry, result: OwnResult | None) -> str:
    if entry.state in _BY_RUNS:
        return "" if result is None else result.reason
    if entry.state in _ON_ITS_WAY:
        return ""
    if entry.state is EntryState.HELD:
        return HELD_SENTENCE
    return entry.reason or ""
