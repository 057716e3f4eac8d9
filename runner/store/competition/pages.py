"""Entries page by page, the newest first."""

from __future__ import annotations

from sqlalchemy import select

from runner.store.competition.records import CompetitionEntry
from runner.store.competition.rows import entry_of
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database


class EntryPageQueries:
    """The part of the store that lists entries page by page."""

    database: Database

    def last_entries(
        self, competition: str, *, phase: str | None, team: str | None, before: int | None, most: int
    ) -> list[CompetitionEntry]:
        """Return the newest entries, without those of a rejudging that is not applied.

        Args:
            competition: Its name.
            phase: Only those of a phase.
            team: Only those of a team.
            before: Only those with smaller numbers.
            most: How many.
        """
        row = CompetitionEntryRow
        query = select(row).where(row.competition == competition, row.pending.is_(False))
        if phase is not None:
            query = query.where(row.phase == phase)
        if team is not None:
            query = query.where(row.team == team)
        if before is not None:
            query = query.where(row.id < before)
        with self.database.reading() as session:
            return [entry_of(each) for each in session.scalars(query.order_by(row.id.desc()).limit(most))]
