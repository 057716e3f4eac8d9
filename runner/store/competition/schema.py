"""The tables of competitions, in the same database as all others."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from runner.store.schema import COLUMN_TYPES, EntryRow, StoredBoolean


class _Base(DeclarativeBase):
    metadata = EntryRow.metadata
    type_annotation_map = COLUMN_TYPES


class CompetitionRow(_Base):
    """What is stored of a competition itself; all else is in ``competition.toml``."""

    __tablename__ = "competitions"
    name: Mapped[str] = mapped_column(primary_key=True)
    secret: Mapped[str]
    """From which the names on anonymous leaderboards follow."""
    paused: Mapped[datetime | None]
    """Since when nothing is evaluated."""


class TeamRow(_Base):
    """A team that may hand in."""

    __tablename__ = "teams"
    competition: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    created: Mapped[datetime]
    token_sha256: Mapped[str | None]
    """Of the token that it got from an earlier version; `TokenRow` has all that are valid."""
    revoked: Mapped[datetime | None]
    """Since when nothing is taken from it."""
    merged_into: Mapped[str | None]
    """The team that has its entries now."""
    deleted: Mapped[datetime | None]
    """Since when its entries are withdrawn."""


class CompetitionEntryRow(_Base):
    """One hand-in of a team, or an entry of an earlier phase in a final."""

    __tablename__ = "competition_entries"
    __table_args__ = (
        ForeignKeyConstraint(["competition", "team"], ["teams.competition", "teams.name"]),
        UniqueConstraint("competition", "idempotency_key", name="uq_competition_entries_key"),
        Index("ix_competition_entries_team", "competition", "phase", "team"),
        Index("ix_competition_entries_state", "competition", "state"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    competition: Mapped[str]
    phase: Mapped[str]
    team: Mapped[str]
    received: Mapped[datetime]
    file_name: Mapped[str]
    archive_sha256: Mapped[str | None]
    """Of the submission's archive, or of the file that was refused; None for other files that were."""
    bytes: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str]
    state_since: Mapped[datetime]
    challenge: Mapped[str]
    """Its folder, as the phase names it."""
    evaluation: Mapped[str | None]
    """No foreign key: it is named before it begins."""
    reason: Mapped[str | None]
    attempts: Mapped[int]
    """How often the sandbox failed."""
    seconds: Mapped[float]
    """Wall time that was spent on it."""
    source: Mapped[int | None] = mapped_column(ForeignKey("competition_entries.id"))
    """The entry that is judged again: in a final, or in a batch of its own phase."""
    batch: Mapped[int | None]
    """Number of the rejudging that it is part of."""
    pending: Mapped[bool] = mapped_column(StoredBoolean)
    """Part of a rejudging that is not applied: no quota, board or final knows it."""
    idempotency_key: Mapped[str | None]
    upload: Mapped[str | None]
    """Name of the file that the web service received; it is removed once the entry was checked."""
    upload_sha256: Mapped[str | None]
    """Of the bytes of that file."""
    rescores: Mapped[str | None]
    """The evaluation whose stored outputs are scored again, where nothing is executed."""


class TokenRow(_Base):
    """An access token; the token itself is stored nowhere."""

    __tablename__ = "tokens"
    __table_args__ = (
        ForeignKeyConstraint(["competition", "team"], ["teams.competition", "teams.name"]),
        UniqueConstraint("sha256", name="uq_tokens_sha256"),
        {"sqlite_autoincrement": True},
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    competition: Mapped[str]
    team: Mapped[str | None]
    """Whose it is; None for one of an organizer."""
    sha256: Mapped[str]
    scopes: Mapped[str]
    """What it is good for: words of `runner.competition.scopes`, with spaces between them."""
    created: Mapped[datetime]
    expires: Mapped[datetime | None]
    revoked: Mapped[datetime | None]


class EndedSessionRow(_Base):
    """A session of a browser that was ended by a log-out: neither its cookie nor a copy of it is valid."""

    __tablename__ = "ended_sessions"
    session: Mapped[str] = mapped_column(primary_key=True)
    """SHA-256 of what the cookie is called by."""
    expires: Mapped[datetime]
    """When the cookie would have ended by itself; the row is not needed from then on."""


class RateRow(_Base):
    """How often something has happened since its interval began."""

    __tablename__ = "rates"
    name: Mapped[str] = mapped_column(primary_key=True)
    """What is counted, and for whom."""
    begun: Mapped[datetime]
    count: Mapped[int]


class ChoiceRow(_Base):
    """An entry that its team has chosen for a final."""

    __tablename__ = "competition_choices"
    competition: Mapped[str] = mapped_column(primary_key=True)
    final: Mapped[str] = mapped_column(primary_key=True)
    entry: Mapped[int] = mapped_column(ForeignKey("competition_entries.id"), primary_key=True)
    team: Mapped[str]
    chosen: Mapped[datetime]


class AuditRow(_Base):
    """An act of an organizer or a team; triggers refuse to change or delete it."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it once
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    competition: Mapped[str]
    who: Mapped[str]
    act: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str | None]
