"""Access tokens: looked up by their hashes; what was revoked or has expired is no token."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from runner.competition.scopes import Scope
from runner.errors import ConfigurationError
from runner.store.competition.audit import record_act
from runner.store.competition.records import Act, Token
from runner.store.competition.schema import EndedSessionRow, TeamRow, TokenRow
from runner.store.competition.teams import require_team
from runner.store.database import Database, as_utc, utc_now


class TokenQueries:
    """The part of the store that has access tokens."""

    database: Database

    def add_token(
        self,
        competition: str,
        team: str | None,
        *,
        sha256: str,
        scopes: Collection[Scope],
        expires: datetime | None,
        act: Act,
    ) -> Token:
        """Record a new token.

        Args:
            competition: Its name.
            team: Whose it is; None for one of an organizer.
            sha256: Of the token, which is not stored.
            scopes: What it is good for.
            expires: When it ends; None if it does not.
            act: For the audit.

        Raises:
            ConfigurationError: there is no such team, or it is revoked.
        """
        with self.database.writing() as session:
            if team is not None:
                require_team(session, competition, team)
            now = utc_now()
            row = TokenRow(
                competition=competition,
                team=team,
                sha256=sha256,
                scopes=" ".join(sorted(scopes)),
                created=now,
                expires=expires,
                revoked=None,
            )
            session.add(row)
            record_act(session, competition, act, now)
            session.flush()
            return _token(row)

    def tokens(self, competition: str) -> list[Token]:
        """Return all tokens of a competition, the oldest first."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(TokenRow).where(TokenRow.competition == competition).order_by(TokenRow.id)
            ).all()
            return [_token(row) for row in rows]

    def token_of_hash(self, competition: str, sha256: str, now: datetime) -> Token | None:
        """Return the valid token of a hash; None if there is none, or its team is revoked."""
        with self.database.reading() as session:
            row = session.scalars(
                select(TokenRow).where(TokenRow.competition == competition, TokenRow.sha256 == sha256)
            ).first()
            return _valid(session, row, now)

    def token_of_session(self, competition: str, number: int, session: str, now: datetime) -> Token | None:
        """Return the valid token of a session of a browser; None if either has ended.

        Args:
            competition: Its name.
            number: Of the token.
            session: SHA-256 of the session's name.
            now: The present moment.
        """
        with self.database.reading() as reading:
            row = reading.get(TokenRow, number)
            if row is None or row.competition != competition:
                return None
            if reading.get(EndedSessionRow, session) is not None:
                return None
            return _valid(reading, row, now)

    def end_session(self, session: str, *, expires: datetime, now: datetime) -> None:
        """End a session for good, and forget those that would have ended by themselves since.

        Args:
            session: SHA-256 of the session's name.
            expires: When its cookie ends by itself.
            now: The present moment.
        """
        with self.database.writing() as writing:
            writing.execute(delete(EndedSessionRow).where(EndedSessionRow.expires <= now))
            writing.merge(EndedSessionRow(session=session, expires=expires))

    def revoke_token(self, competition: str, number: int, *, act: Act) -> None:
        """End a token.

        Raises:
            ConfigurationError: there is none of this number, or it is revoked already.
        """
        with self.database.writing() as session:
            row = session.get(TokenRow, number, with_for_update=True)
            if row is None or row.competition != competition:
                raise ConfigurationError(f"{competition} has no token {number}.")
            if row.revoked is not None:
                raise ConfigurationError(f"Token {number} was revoked already.")
            row.revoked = utc_now()
            record_act(session, competition, act, row.revoked)


def _valid(session: Session, row: TokenRow | None, now: datetime) -> Token | None:
    if row is None:
        return None
    token = _token(row)
    if not token.is_valid(now):
        return None
    if token.team is not None:
        team = session.get(TeamRow, (row.competition, token.team))
        if team is None or team.revoked is not None:
            return None
    return token


def _token(row: TokenRow) -> Token:
    return Token(
        id=row.id,
        team=row.team,
        scopes=frozenset(Scope(word) for word in row.scopes.split()),
        created=as_utc(row.created),
        expires=None if row.expires is None else as_utc(row.expires),
        revoked=None if row.revoked is None else as_utc(row.revoked),
    )
