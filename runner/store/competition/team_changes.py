"""Merge a team into another, or delete it: all of its entries, choices and tokens in one transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from runner.competition.states import NEXT, EntryState
from runner.errors import ConfigurationError
from runner.store.competition.audit import record_act
from runner.store.competition.records import Act
from runner.store.competition.rows import step_row
from runner.store.competition.schema import ChoiceRow, CompetitionEntryRow, TeamRow
from runner.store.competition.teams import end_team, require_team
from runner.store.database import Database, utc_now
from runner.wording import quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamChange:
    """What became of a team's entries."""

    entries: list[int]
    """Numbers of those that have moved, or were withdrawn."""
    choices: list[str]
    """Finals of which its choice was dropped."""


class TeamChangeQueries:
    """The part of the store that merges and deletes teams."""

    database: Database

    def merge_team(self, competition: str, name: str, into: str, *, act: Act) -> TeamChange:
        """Give all entries of a team to another, which so has their quota, results and ranks.

        The team's own choice for a final is taken over where the other has made none; else it is dropped.
        The team stays as a row, revoked, so that no other gets its name.

        Args:
            competition: Its name.
            name: Of the team that ends.
            into: Name of the team that goes on.
            act: For the audit; the other team and the numbers of the entries are added to its reason.

        Raises:
            ConfigurationError: one of them does not exist, they are the same, the first was merged or
                deleted before, or the second is revoked.
        """
        if name == into:
            raise ConfigurationError(f"Team {name} cannot be merged into itself.")
        with self.database.writing() as session:
            row, now = _ending_team(session, competition, name), utc_now()
            require_team(session, competition, into)
            entry = CompetitionEntryRow
            of_team = (entry.competition == competition, entry.team == name)
            numbers = list(session.scalars(select(entry.id).where(*of_team).order_by(entry.id)))
            session.execute(update(entry).where(*of_team).values(team=into))
            dropped = _move_choices(session, competition, name, into)
            end_team(session, row, now)
            row.merged_into = into
            change = TeamChange(entries=numbers, choices=dropped)
            act = replace(act, reason=f"into {into}: {act.reason or ''}")
            _record(session, competition, act, change, now)
        return change

    def delete_team(self, competition: str, name: str, *, act: Act) -> TeamChange:
        """Withdraw all entries of a team that are not out already, and drop its choices.

        What is superseded stays so; its later result is withdrawn. The team stays as a row, revoked.

        Args:
            competition: Its name.
            name: Of the team.
            act: For the audit; the numbers of the entries are added to its reason.

        Raises:
            ConfigurationError: it does not exist, or was merged or deleted before.
        """
        with self.database.writing() as session:
            row, now = _ending_team(session, competition, name), utc_now()
            entry, numbers = CompetitionEntryRow, list[int]()
            rows = session.scalars(
                select(entry)
                .where(entry.competition == competition, entry.team == name)
                .order_by(entry.id)
                .with_for_update()
            )
            for each in rows.all():
                if EntryState.WITHDRAWN in NEXT[EntryState(each.state)]:
                    step_row(each, (EntryState.WITHDRAWN,), now)
                    each.reason = "its team was deleted"
                    numbers.append(each.id)
            chosen = (ChoiceRow.competition == competition, ChoiceRow.team == name)
            dropped = sorted(set(session.scalars(select(ChoiceRow.final).where(*chosen))))
            session.execute(delete(ChoiceRow).where(*chosen))
            end_team(session, row, now)
            row.deleted = now
            change = TeamChange(entries=numbers, choices=dropped)
            _record(session, competition, act, change, now)
        return change


def _ending_team(session: Session, competition: str, name: str) -> TeamRow:
    """Return a team that may end, revoked or not; its row stays locked until the transaction ends."""
    row = session.get(TeamRow, (competition, name), with_for_update=True)
    if row is None or row.merged_into is not None or row.deleted is not None:
        if row is not None and row.revoked is not None:
            require_team(session, competition, name)  # says how it has ended
        raise ConfigurationError(f"There is no team {name!r}; see: unlearn competition team list")
    return row


def _move_choices(session: Session, competition: str, name: str, into: str) -> list[str]:
    """Let a team take over the choices of another for finals of which it has none; return the others."""
    choices = select(ChoiceRow).where(ChoiceRow.competition == competition)
    own = {row.final for row in session.scalars(choices.where(ChoiceRow.team == into))}
    dropped: set[str] = set()
    for row in session.scalars(choices.where(ChoiceRow.team == name)).all():
        if row.final in own:
            dropped.add(row.final)
            session.delete(row)
        else:
            row.team = into
    return sorted(dropped)


def _record(session: Session, competition: str, act: Act, change: TeamChange, now: datetime) -> None:
    entries = quantity(len(change.entries), "entry", "entries")
    listed = f": {', '.join(map(str, change.entries))}" if change.entries else ""
    choices = f"; choice dropped: {', '.join(change.choices)}" if change.choices else ""
    act = replace(act, reason=f"{act.reason or ''} ({entries}{listed}{choices})")
    record_act(session, competition, act, now)
