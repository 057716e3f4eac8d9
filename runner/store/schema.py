"""The tables of a store, as they are now. `runner.store.migrations` has how they came to be.

A later version may add tables and nullable columns; it never changes or drops an existing one. Each change
is a new script there: a test compares its result with these classes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, Boolean, DateTime, Dialect, ForeignKey, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator


class StoredText(TypeDecorator[str]):
    """Text, in which PostgreSQL takes no NUL: it becomes the character that stands for what has none."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Return what is sent to the database."""
        if value is None or dialect.name == "sqlite":
            return value
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}")


COLUMN_TYPES: Final = {str: StoredText, datetime: DateTime(timezone=True)}
"""Of Python's types where a column names none. SQLite stores times without their zone, which is UTC."""


class _Base(DeclarativeBase):
    type_annotation_map = COLUMN_TYPES


class StoredBoolean(Boolean):
    """A boolean that is 0 or 1 in the database; SQLAlchemy's own takes every other value for true."""

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[object], bool | None]:
        """Return the function that reads a value; it raises ValueError for what is no boolean."""
        return _stored_boolean


def _stored_boolean(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise ValueError(f"a boolean must be 0 or 1, not {value!r}")


class IdentityRow(_Base):
    """What tells this store from all others: one row, where its folder and its database are apart."""

    __tablename__ = "identity"
    identity: Mapped[str] = mapped_column(primary_key=True)


class SubmissionRow(_Base):
    """A submission, by the hash of its archive."""

    __tablename__ = "submissions"
    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    archive_bytes: Mapped[int] = mapped_column(BigInteger)
    added: Mapped[datetime]


class EvaluationRow(_Base):
    """One submission on one challenge: n runs, then a score."""

    __tablename__ = "evaluations"
    id: Mapped[str] = mapped_column(primary_key=True)
    submission_sha256: Mapped[str] = mapped_column(ForeignKey("submissions.sha256"))
    submission: Mapped[str]
    challenge: Mapped[str]
    challenge_sha256: Mapped[str]
    image: Mapped[str]
    n: Mapped[int]
    begun: Mapped[datetime]
    seconds: Mapped[float] = mapped_column(default=0.0)
    """Wall time spent on it, over all commands."""
    summary: Mapped[str | None] = mapped_column(default=None)
    """JSON, once it has ended, with or without a score."""
    manifest_sha256: Mapped[str | None] = mapped_column(default=None)
    """Of the manifest that was written with the summary."""
    challenge_folder: Mapped[str | None] = mapped_column(default=None)
    """Where the challenge was when it started; it may have moved since."""
    parent: Mapped[str | None] = mapped_column(default=None)
    """The evaluation of which this is the part on a control problem."""


class AttemptRow(_Base):
    """One container launched to execute some of the runs."""

    __tablename__ = "attempts"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    begun: Mapped[datetime]
    ended: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)
    device: Mapped[str | None] = mapped_column(default=None)
    """On which it is executed, such as ``cpu 1/4`` or ``cuda:GPU-...``."""


class TermsRow(_Base):
    """The terms that an evaluation's runs are judged under on a machine."""

    __tablename__ = "terms"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    machine: Mapped[str] = mapped_column(primary_key=True)
    """Empty where the terms do not depend on the machine."""
    terms: Mapped[str]
    """JSON."""


class RunRow(_Base):
    """One run and how it ended."""

    __tablename__ = "runs"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    index: Mapped[int] = mapped_column(primary_key=True)
    seed: Mapped[int] = mapped_column(BigInteger)
    attempt: Mapped[int]
    verdict: Mapped[str]
    detail: Mapped[str]
    host_seconds: Mapped[float]
    run_seconds: Mapped[float]
    checkpoint_sha256: Mapped[str]
    """Of names and values, whatever their order in the file; empty without a checkpoint."""
    log_bytes_dropped: Mapped[int] = mapped_column(BigInteger)
    exception_type: Mapped[str | None] = mapped_column(default=None)
    """As the submission named it."""
    peak_memory_bytes: Mapped[int | None] = mapped_column(BigInteger, default=None)
    """The most that it was seen to use."""
    processor_seconds: Mapped[float | None] = mapped_column(default=None)
    """Of all its processes."""
    setup_seconds: Mapped[float | None] = mapped_column(default=None)
    node: Mapped[str | None] = mapped_column(default=None)
    """Name of the machine that executed it."""
    device_class: Mapped[str | None] = mapped_column(default=None)
    """Of the device on which it was executed there."""
    ended: Mapped[datetime]
    evaluated: Mapped[bool] = mapped_column(StoredBoolean, default=False)
    """Whether its outputs are on disk."""
    outputs_sha256: Mapped[str | None] = mapped_column(default=None)
    """Of the file of its outputs."""


class LeaseRow(_Base):
    """Who may write to an evaluation. The row stays after a release: the token must never decrease."""

    __tablename__ = "leases"
    evaluation: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[int]
    """Increases by one with each holder; writes with an earlier token are refused."""
    holder: Mapped[str]
    """Host and process, for messages; empty while nobody holds it."""
    place: Mapped[str]
    """Identifies the lock file that the holder has locked, and the boot of its machine."""
    beats: Mapped[int] = mapped_column(BigInteger)
    expires: Mapped[float]
    """Seconds since 1970, by the holder's clock."""


class EntryRow(_Base):
    """One file or folder that was handed in; `runner.store.entries.records` says what its fields mean."""

    __tablename__ = "entries"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy reads it once
    id: Mapped[int] = mapped_column(primary_key=True)
    command: Mapped[str]
    received: Mapped[datetime]
    name: Mapped[str]
    path: Mapped[str | None]
    folder: Mapped[str | None]
    content_sha256: Mapped[str | None] = mapped_column(index=True)
    challenge: Mapped[str]
    challenge_sha256: Mapped[str]
    n: Mapped[int]
    evaluation: Mapped[str | None] = mapped_column(index=True)
    """No foreign key: entries are recorded before their evaluations begin."""
    outcome: Mapped[str | None]
    reason: Mapped[str | None]
    team: Mapped[str | None]
    note: Mapped[str | None]


class ConditionsRow(_Base):
    """Under which conditions an evaluation was executed, as its manifest states them."""

    __tablename__ = "conditions"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    manifest_sha256: Mapped[str]
    conditions: Mapped[str]
    """JSON."""


class HalvedScoreRow(_Base):
    """The score of an evaluation on random halves, from which differences get their intervals."""

    __tablename__ = "halved_scores"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    seed: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Of the random halves."""
    scorer: Mapped[int] = mapped_column(primary_key=True)
    """Version of the scorer."""
    manifest_sha256: Mapped[str]
    value: Mapped[float]
    halves: Mapped[str]
    """JSON: two scores for each halving."""


class HalvedMetricRow(_Base):
    """An entry of an evaluation's score card on random halves, by which a final is decided."""

    __tablename__ = "halved_metrics"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    metric: Mapped[str] = mapped_column(primary_key=True)
    """Fields of the card, with dots between."""
    seed: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    """Of the random halves."""
    scorer: Mapped[int] = mapped_column(primary_key=True)
    """Version of the score card."""
    manifest_sha256: Mapped[str]
    value: Mapped[float]
    halves: Mapped[str]
    """JSON: two values for each halving."""


class VerificationRow(_Base):
    """The last time that an evaluation was verified."""

    __tablename__ = "verifications"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    manifest_sha256: Mapped[str]
    verified_at: Mapped[datetime]
    reruns: Mapped[int]
    """Runs that were executed again."""
    mismatches: Mapped[int]


DERIVED: Final = (ConditionsRow, HalvedScoreRow, HalvedMetricRow, VerificationRow)
"""Tables that hold what was computed from an evaluation that has ended, and go with its result."""
