"""What the queue needs to know of entries: little of each, because a choice reads all that wait."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select

from runner.competition.states import EntryState
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database, as_utc


class QueueRow(NamedTuple):
    """An entry that waits or is at work."""

    id: int
    state: EntryState
    team: str
    phase: str
    challenge: str
    """Its folder, as the phase names it."""
    received: datetime
    state_since: datetime
    is_rejudged: bool
    """Whether it is part of a rejudging."""
    is_rescored: bool
    """Whether its stored outputs are scored again, in place of runs."""


class QueueQueries:
    """The part of the store that the queue reads."""

    database: Database

    def queue_rows(self, competition: str, states: Collection[EntryState]) -> list[QueueRow]:
        """Return the entries in some states, also of rejudgings that are not applied, by their numbers."""
        row = CompetitionEntryRow.__table__.columns
        query = (
            select(
                *(row.id, row.state, row.team, row.phase, row.challenge),
                *(row.received, row.state_since, row.batch, row.rescores),
            )
            .where(row.competition == competition, row.state.in_([str(state) for state in states]))
            .order_by(row.id)
        )
        with self.database.reading() as session:
            return [
                QueueRow(
                    *(each.id, EntryState(each.state), each.team, each.phase, each.challenge),
                    *(as_utc(each.received), as_utc(each.state_since)),
                    *(each.batch is not None, each.rescores is not None),
                )
                for each in session.execute(query)
            ]
