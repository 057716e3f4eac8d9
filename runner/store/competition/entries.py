"""Take entries, move them from state to state, and list them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from runner.competition.intake import Intake
from runner.competition.quota import PastEntry
from runner.competition.states import EntryState
from runner.errors import ConfigurationError
from runner.store.competition.audit import record_act
from runner.store.competition.records import Act, CompetitionEntry, NewCompetitionEntry
from runner.store.competition.rows import entry_of, step_row
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.competition.teams import require_team
from runner.store.competition.uploads import same_upload
from runner.store.database import Database, as_utc, utc_now

MAX_NUMBER: Final = 2**31 - 1
"""Of an entry or a rejudging: the column has no larger integers in PostgreSQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a file that was handed in."""

    entry: CompetitionEntry | None
    """None where it became none."""
    is_new: bool
    """False where an entry has its key already."""
    intake: Intake | None
    """The decision; None where nothing had to be decided."""


class CompetitionEntryQueries:
    """The part of the store that has the entries of competitions."""

    database: Database

    def take_entry(
        self,
        new: NewCompetitionEntry,
        decide: Callable[[Sequence[PastEntry], datetime], Intake],
        *,
        steps: Sequence[EntryState] = (),
        reason: str | None = None,
        act: Act | None = None,
        same_upload_within: timedelta | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> Taken:
        """Take an entry, or return the one that has its key, in one transaction with the decision.

        Args:
            new: The entry; its archive is stored already.
            decide: Receives the earlier entries of the team in this phase and the present moment.
            steps: Through which it goes at once, where it begins as ``received`` or is refused.
            reason: Recorded with the last of these steps.
            act: For the audit, if it is one of an organizer.
            same_upload_within: How long the same upload of a team is the same entry, whatever its key.
            clock: Returns the present moment.

        Raises:
            ConfigurationError: there is no such team, it is revoked, or a step is none.
        """
        with self.database.writing() as session:
            require_team(session, new.competition, new.team)
            if new.idempotency_key is not None:
                earlier = session.scalars(
                    select(CompetitionEntryRow).where(
                        CompetitionEntryRow.competition == new.competition,
                        CompetitionEntryRow.idempotency_key == new.idempotency_key,
                    )
                ).first()
                if earlier is not None:
                    return Taken(entry=entry_of(earlier), is_new=False, intake=None)
            now = clock()
            if same_upload_within is not None:
                same = same_upload(session, new, now - same_upload_within)
                if same is not None:
                    return Taken(entry=entry_of(same), is_new=False, intake=None)
            decision = decide(_past(session, new.competition, new.phase, new.team), now)
            if decision.state is None:
                return Taken(entry=None, is_new=False, intake=decision)
            row = CompetitionEntryRow(
                **asdict(new),
                received=now,
                state=str(decision.state),
                state_since=now,
                evaluation=None,
                reason=decision.refusal,
                attempts=0,
                seconds=0.0,
                batch=None,
                pending=False,
            )
            is_refused = EntryState.REFUSED in steps  # late or not: nobody could admit it
            if decision.state is EntryState.RECEIVED or is_refused:
                step_row(row, steps, now)
                row.reason = reason
            session.add(row)
            session.flush()
            if act is not None:
                record_act(session, new.competition, act, now)
            return Taken(entry=entry_of(row), is_new=True, intake=decision)

    def move_entry(
        self,
        entry: int,
        *steps: EntryState,
        expected: Collection[EntryState] | None = None,
        reason: str | None = None,
        evaluation: str | None = None,
        seconds: float = 0.0,
        failed_attempt: bool = False,
        act: Act | None = None,
    ) -> CompetitionEntry | None:
        """Move an entry through one or more states, if it is where it is expected.

        Args:
            entry: Its number.
            steps: The states, in order.
            expected: Where it must be; any state if it is None.
            reason: In place of the earlier one.
            evaluation: Its evaluation, where that is known now.
            seconds: Wall time to add to what was spent on it.
            failed_attempt: Whether the sandbox has failed once more.
            act: For the audit.

        Returns:
            The entry as it is then; None where somebody else has moved it.

        Raises:
            ConfigurationError: there is no such entry, or one of the states may not follow the one before.
        """
        with self.database.writing() as session:
            row = _row(session, entry, locked=True)
            if expected is not None and EntryState(row.state) not in expected:
                row.seconds += seconds  # they were spent all the same
                return None
            now = utc_now()
            step_row(row, steps, now)
            row.reason = reason
            row.seconds += seconds
            row.attempts += failed_attempt
            if evaluation is not None:
                row.evaluation = evaluation
            if act is not None:
                record_act(session, row.competition, act, now)
            return entry_of(row)

    def competition_entry(self, competition: str, entry: int) -> CompetitionEntry:
        """Return an entry by its number.

        Raises:
            ConfigurationError: the competition has none of this number.
        """
        with self.database.reading() as session:
            row = _row(session, entry)
            if row.competition != competition:
                raise ConfigurationError(f"{competition} has no entry {entry}.")
            return entry_of(row)

    def competition_entries(
        self,
        competition: str,
        *,
        phase: str | None = None,
        team: str | None = None,
        states: Collection[EntryState] | None = None,
        with_pending: bool = False,
    ) -> list[CompetitionEntry]:
        """Return entries in the order in which they were taken; a filter that is None is none.

        Args:
            competition: Its name.
            phase: Name of a phase.
            team: Name of a team.
            states: In which they are.
            with_pending: Whether those of a rejudging that is not applied are among them.
        """
        row = CompetitionEntryRow
        query = select(row).where(row.competition == competition).order_by(row.id)
        if phase is not None:
            query = query.where(row.phase == phase)
        if not with_pending:
            query = query.where(row.pending.is_(False))
        if team is not None:
            query = query.where(row.team == team)
        if states is not None:
            query = query.where(row.state.in_([str(state) for state in states]))
        with self.database.reading() as session:
            return [entry_of(each) for each in session.scalars(query).all()]

    def queued_by_phase(self, competition: str) -> dict[str, int]:
        """Return how many entries of each phase wait to be evaluated; phases without any are missing."""
        row = CompetitionEntryRow
        query = (
            select(row.phase, func.count())
            .where(row.competition == competition, row.state == str(EntryState.QUEUED))
            .group_by(row.phase)
        )
        with self.database.reading() as session:
            return {phase: int(number) for phase, number in session.execute(query)}

    def entry_with_evaluation(self, evaluation: str) -> CompetitionEntry | None:
        """Return an entry of any competition whose result an evaluation is; None if there is none.

        Withdrawn entries need no result.
        """
        row = CompetitionEntryRow
        query = select(row).where(row.evaluation == evaluation, row.state != str(EntryState.WITHDRAWN))
        with self.database.reading() as session:
            first = session.scalars(query.order_by(row.id)).first()
            return None if first is None else entry_of(first)

    def past_entries(self, competition: str, phase: str, team: str) -> list[PastEntry]:
        """Return what a quota needs to know of a team's entries in a phase."""
        with self.database.reading() as session:
            return _past(session, competition, phase, team)

    def used_seconds(self, competition: str, since: datetime) -> dict[str, float]:
        """Return the time that was spent on each team's entries that have changed since a moment.

        Rejudging is no doing of a team: neither its entries count nor those that it has superseded.
        """
        row = CompetitionEntryRow
        query = (
            select(row.team, func.sum(row.seconds))
            .where(
                row.competition == competition,
                row.state_since >= since,
                row.batch.is_(None),
                row.state != str(EntryState.SUPERSEDED),
            )
            .group_by(row.team)
        )
        with self.database.reading() as session:
            return {team: float(seconds) for team, seconds in session.execute(query)}


def _row(session: Session, entry: int, *, locked: bool = False) -> CompetitionEntryRow:
    row = session.get(CompetitionEntryRow, entry, with_for_update=locked) if entry <= MAX_NUMBER else None
    if row is None:
        raise ConfigurationError(f"There is no entry {entry}; see: unlearn competition status")
    return row


def _past(session: Session, competition: str, phase: str, team: str) -> list[PastEntry]:
    """Return what was handed in, each once: what is judged again counts as its last result that applies."""
    row = CompetitionEntryRow
    rows = session.execute(
        select(row.id, row.source, row.received, row.state).where(
            row.competition == competition,
            row.phase == phase,
            row.team == team,
            row.pending.is_(False),
        )
    ).all()
    again = {source: (number, EntryState(state)) for number, source, _received, state in rows if source}
    past = []
    for number, source, received, name in rows:
        if source is None:
            last, state = number, EntryState(name)
            while state is EntryState.SUPERSEDED and last in again:
                last, state = again[last]
            past.append(PastEntry(as_utc(received), state))
    return past
