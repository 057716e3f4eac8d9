"""Queue the entries of a final, and record that they were, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import select

from runner.competition.states import EntryState
from runner.store.competition.audit import record_act
from runner.store.competition.records import Act, NewCompetitionEntry
from runner.store.competition.rows import step_row
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database, utc_now


class FinalQueries:
    """The part of the store that has finals."""

    database: Database

    def queue_entries(
        self, competition: str, entries: Callable[[], Sequence[NewCompetitionEntry]], *, act: Act
    ) -> int:
        """Queue entries and record the act, all or nothing; return how many they are.

        Args:
            competition: Its name.
            entries: Called in the transaction: returns what is to be queued, each with a key. It may read
                the store, which nobody changes meanwhile, and raise where nothing may be queued.
            act: For the audit.
        """
        row = CompetitionEntryRow
        with self.database.writing() as session:
            now = utc_now()
            new = entries()
            keys = {each.idempotency_key for each in new}
            query = select(row.idempotency_key).where(
                row.competition == competition, row.idempotency_key.in_(keys)
            )
            known = set(session.scalars(query))
            for each in new:
                if each.idempotency_key in known:  # an earlier version could be interrupted in between
                    continue
                added = row(
                    **asdict(each),
                    received=now,
                    state=str(EntryState.RECEIVED),
                    state_since=now,
                    evaluation=None,
                    reason=None,
                    attempts=0,
                    seconds=0.0,
                    batch=None,
                    pending=False,
                )
                step_row(added, (EntryState.CHECKING, EntryState.QUEUED), now)
                session.add(added)
            record_act(session, competition, act, now)
        return len(new)
