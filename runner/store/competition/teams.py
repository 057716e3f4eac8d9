"""Teams of a competition, its pause, and the entries that teams choose for finals."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from runner.competition.scopes import TEAM_SCOPES
from runner.errors import ConfigurationError
from runner.store.competition.audit import record_act
from runner.store.competition.records import Act, Team
from runner.store.competition.schema import ChoiceRow, CompetitionRow, TeamRow, TokenRow
from runner.store.database import Database, as_utc, utc_now

_SECRET_BYTES: Final = 16


class TeamQueries:
    """The part of the store that has teams."""

    database: Database

    def add_team(self, competition: str, name: str, *, token_sha256: str | None, who: str) -> None:
        """Record a new team.

        Raises:
            ConfigurationError: there is one of this name.
        """
        with self.database.writing() as session:
            _competition(session, competition)
            if session.get(TeamRow, (competition, name)) is not None:
                raise ConfigurationError(f"There is a team {name} already; choose another name.")
            now = utc_now()
            session.add(
                TeamRow(competition=competition, name=name, created=now, token_sha256=None, revoked=None)
            )
            session.flush()
            if token_sha256 is not None:
                session.add(
                    TokenRow(
                        competition=competition,
                        team=name,
                        sha256=token_sha256,
                        scopes=" ".join(sorted(TEAM_SCOPES)),
                        created=now,
                        expires=None,
                        revoked=None,
                    )
                )
            record_act(session, competition, Act(who=who, act="team add", subject=name), now)

    def revoke_team(self, competition: str, name: str, *, act: Act) -> None:
        """Take nothing more from a team; its entries stay.

        Raises:
            ConfigurationError: there is none of this name, or it is revoked already.
        """
        with self.database.writing() as session:
            row, now = require_team(session, competition, name), utc_now()
            end_team(session, row, now)
            record_act(session, competition, act, now)

    def teams(self, competition: str) -> list[Team]:
        """Return the teams of a competition, by name."""
        with self.database.reading() as session:
            rows = session.scalars(select(TeamRow).where(TeamRow.competition == competition)).all()
            with_token = set(
                session.scalars(select(TokenRow.team).where(TokenRow.competition == competition))
            )
            return [
                Team(
                    name=row.name,
                    created=as_utc(row.created),
                    has_token=row.name in with_token,
                    revoked=None if row.revoked is None else as_utc(row.revoked),
                    merged_into=row.merged_into,
                    deleted=None if row.deleted is None else as_utc(row.deleted),
                )
                for row in sorted(rows, key=lambda row: row.name)  # databases order text by their locale
            ]

    def paused_since(self, competition: str) -> datetime | None:
        """Return since when nothing is evaluated; None if it is not paused."""
        with self.database.reading() as session:
            row = session.get(CompetitionRow, competition)
            return None if row is None or row.paused is None else as_utc(row.paused)

    def set_paused(self, competition: str, paused: bool, *, act: Act) -> None:
        """Pause a competition or let it go on.

        Raises:
            ConfigurationError: it is paused already, or is not.
        """
        with self.database.writing() as session:
            row, now = _competition(session, competition), utc_now()
            if (row.paused is not None) == paused:
                raise ConfigurationError(f"{competition} is {'' if paused else 'not '}paused already.")
            row.paused = now if paused else None
            record_act(session, competition, act, now)

    def competition_secret(self, competition: str) -> str:
        """Return the secret from which anonymous names follow; it is made where there is none yet."""
        with self.database.reading() as session:
            row = session.get(CompetitionRow, competition)
            if row is not None:
                return row.secret
        with self.database.writing() as session:
            return _competition(session, competition).secret

    def choose_entries(
        self,
        competition: str,
        final: str,
        team: str,
        entries: Sequence[int],
        *,
        require: Callable[[datetime], None],
        act: Act,
    ) -> None:
        """Record a team's choice for a final, in place of an earlier one.

        Args:
            competition: Its name.
            final: Name of the phase.
            team: Whose choice it is.
            entries: What it chooses.
            require: Receives the present moment and raises where the choice is not allowed.
            act: For the audit.
        """
        with self.database.writing() as session:
            require_team(session, competition, team)
            now = utc_now()
            require(now)
            session.execute(
                delete(ChoiceRow).where(
                    ChoiceRow.competition == competition, ChoiceRow.final == final, ChoiceRow.team == team
                )
            )
            session.add_all(
                ChoiceRow(competition=competition, final=final, entry=entry, team=team, chosen=now)
                for entry in entries
            )
            record_act(session, competition, act, now)

    def choices(self, competition: str, final: str) -> Mapping[str, frozenset[int]]:
        """Return what each team has chosen for a final; teams without a choice are missing."""
        chosen: dict[str, set[int]] = {}
        with self.database.reading() as session:
            rows = session.scalars(
                select(ChoiceRow).where(ChoiceRow.competition == competition, ChoiceRow.final == final)
            ).all()
            for row in rows:
                chosen.setdefault(row.team, set()).add(row.entry)
        return {team: frozenset(entries) for team, entries in chosen.items()}


def require_team(session: Session, competition: str, name: str) -> TeamRow:
    """Return a team that may act; its row stays locked until the transaction ends.

    Raises:
        ConfigurationError: there is none of this name, or it is revoked.
    """
    row = session.get(TeamRow, (competition, name), with_for_update=True)
    if row is None:
        raise ConfigurationError(f"There is no team {name!r}; see: unlearn competition team list")
    if row.revoked is not None:
        raise ConfigurationError(f"Team {name} was {_end_of(row)}, so nothing is taken from it.")
    return row


def end_team(session: Session, row: TeamRow, now: datetime) -> None:
    """Take nothing more from a team, and end its tokens, and with them all sessions of browsers."""
    row.revoked = row.revoked or now
    session.execute(
        update(TokenRow)
        .where(TokenRow.competition == row.competition, TokenRow.team == row.name, TokenRow.revoked.is_(None))
        .values(revoked=now)
    )


def _end_of(row: TeamRow) -> str:
    if row.merged_into is not None:
        return f"merged into {row.merged_into}"
    return "revoked" if row.deleted is None else "deleted"


def _competition(session: Session, name: str) -> CompetitionRow:
    row = session.get(CompetitionRow, name)
    if row is None:
        row = CompetitionRow(name=name, secret=secrets.token_hex(_SECRET_BYTES), paused=None)
        session.add(row)
        session.flush()
    return row
