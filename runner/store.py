"""What is kept of evaluations: SQLite through SQLAlchemy, so that a URL can name another database.

A run is published once: its first verdict stands, whoever comes later. Times are UTC.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, BigInteger, ForeignKey, create_engine, delete, event, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from runner.errors import ConfigurationError, HostNotReadyError
from runner.verdict import Verdict

DATABASE: Final = "store.sqlite"


class _Base(DeclarativeBase):
    pass


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
    """JSON, once it has ended with or without a score."""


class AttemptRow(_Base):
    """One container launched to do some of the runs."""

    __tablename__ = "attempts"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    begun: Mapped[datetime]
    ended: Mapped[datetime | None] = mapped_column(default=None)
    outcome: Mapped[str | None] = mapped_column(default=None)


class TermsRow(_Base):
    """Under which terms an evaluation's runs are judged on a machine."""

    __tablename__ = "terms"
    evaluation: Mapped[str] = mapped_column(ForeignKey("evaluations.id"), primary_key=True)
    machine: Mapped[str] = mapped_column(primary_key=True)
    """Empty where they do not depend on it."""
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
    exception_type: Mapped[str] = mapped_column(default="", server_default="")
    """As the submission named it."""
    ended: Mapped[datetime]
    evaluated: Mapped[bool] = mapped_column(default=False)
    """Whether its outputs are on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as it is to be published, or was."""

    index: int
    seed: int
    attempt: int
    verdict: Verdict
    detail: str
    host_seconds: float
    run_seconds: float
    checkpoint_sha256: str
    log_bytes_dropped: int
    exception_type: str = ""
    evaluated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """What identifies an evaluation."""

    id: str
    submission_sha256: str
    submission: str
    archive_bytes: int
    challenge: str
    challenge_sha256: str
    image: str
    n: int


class Store:
    """The database of one store folder. Safe to use from several threads."""

    def __init__(self, url: str | URL) -> None:
        """Open it, making what is missing.

        Raises:
            HostNotReadyError: it cannot be opened or written.
        """
        self._engine = create_engine(url)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _prepare_sqlite)
        with _translated():
            self._make_tables()

    def _make_tables(self) -> None:
        for _table in _Base.metadata.tables:
            try:
                _Base.metadata.create_all(self._engine)
            except OperationalError:  # another process has just made one that was not there
                continue
            return
        _Base.metadata.create_all(self._engine)

    @classmethod
    def in_folder(cls, folder: Path, *, create: bool) -> Store:
        """Open the SQLite store of a folder.

        Raises:
            ConfigurationError: there is none and ``create`` is false.
            HostNotReadyError: it cannot be opened or written.
        """
        file = folder / DATABASE
        if not create and not file.is_file():
            raise ConfigurationError(f"There are no evaluations at {folder}; name their folder with --store.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostNotReadyError(f"{folder} cannot be made: {error.strerror}.") from error
        return cls(URL.create("sqlite", database=str(file)))

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        with _translated(), Session(self._engine) as session, session.begin():
            yield session

    def begin(self, record: EvaluationRecord) -> None:
        """Note an evaluation, unless it is known."""
        with _translated():
            try:
                self._begin(record)
            except IntegrityError:  # another process has just noted the same
                self._begin(record)

    def _begin(self, record: EvaluationRecord) -> None:
        with Session(self._engine) as session, session.begin():
            if session.get(SubmissionRow, record.submission_sha256) is None:
                session.add(
                    SubmissionRow(
                        sha256=record.submission_sha256,
                        name=record.submission,
                        archive_bytes=record.archive_bytes,
                        added=_now(),
                    )
                )
                session.flush()
            if session.get(EvaluationRow, record.id) is None:
                session.add(
                    EvaluationRow(
                        id=record.id,
                        submission_sha256=record.submission_sha256,
                        submission=record.submission,
                        challenge=record.challenge,
                        challenge_sha256=record.challenge_sha256,
                        image=record.image,
                        n=record.n,
                        begun=_now(),
                    )
                )

    def begin_attempt(self, evaluation: str) -> int:
        """Note that a container is launched, and return the attempt's number."""
        with self._session() as session:
            numbers = session.scalars(
                select(AttemptRow.number).where(AttemptRow.evaluation == evaluation)
            ).all()
            number = max(numbers, default=0) + 1
            session.add(AttemptRow(evaluation=evaluation, number=number, begun=_now()))
        return number

    def end_attempt(self, evaluation: str, number: int, outcome: str) -> None:
        """Note how an attempt ended."""
        with self._session() as session:
            session.execute(
                update(AttemptRow)
                .where(AttemptRow.evaluation == evaluation, AttemptRow.number == number)
                .values(ended=_now(), outcome=outcome)
            )

    def publish(self, evaluation: str, run: RunRecord) -> bool:
        """Publish a run; return False, changing nothing, if it has been published before."""
        row = RunRow(
            evaluation=evaluation,
            index=run.index,
            seed=run.seed,
            attempt=run.attempt,
            verdict=str(run.verdict),
            detail=run.detail,
            host_seconds=run.host_seconds,
            run_seconds=run.run_seconds,
            checkpoint_sha256=run.checkpoint_sha256,
            log_bytes_dropped=run.log_bytes_dropped,
            exception_type=run.exception_type,
            evaluated=run.evaluated,
            ended=_now(),
        )
        with _translated(), Session(self._engine) as session:
            try:
                session.add(row)
                session.commit()
            except IntegrityError:
                session.rollback()
                if session.get(RunRow, (evaluation, run.index)) is None:
                    raise  # not published before: something else is wrong
                return False
        return True

    def mark_evaluated(self, evaluation: str, index: int) -> None:
        """Note that a run's outputs are on disk."""
        self._update_run(evaluation, index, evaluated=True)

    def reject(self, evaluation: str, index: int, detail: str) -> None:
        """Turn the verdict of a run whose network answers nonsense into ``bad-checkpoint``."""
        self._update_run(evaluation, index, verdict=str(Verdict.BAD_CHECKPOINT), detail=detail)

    def _update_run(self, evaluation: str, index: int, **values: Any) -> None:  # noqa: ANN401 - columns
        with self._session() as session:
            session.execute(
                update(RunRow).where(RunRow.evaluation == evaluation, RunRow.index == index).values(**values)
            )

    def withdraw(self, evaluation: str, indices: Sequence[int]) -> None:
        """Forget runs whose files were lost on our side, so that they are done again."""
        with self._session() as session:
            session.execute(delete(RunRow).where(RunRow.evaluation == evaluation, RunRow.index.in_(indices)))

    def runs(self, evaluation: str) -> list[RunRecord]:
        """Return the published runs, by index."""
        with self._session() as session:
            rows = session.scalars(
                select(RunRow).where(RunRow.evaluation == evaluation).order_by(RunRow.index)
            ).all()
            return [
                RunRecord(
                    index=row.index,
                    seed=row.seed,
                    attempt=row.attempt,
                    verdict=Verdict(row.verdict),
                    detail=row.detail,
                    host_seconds=row.host_seconds,
                    run_seconds=row.run_seconds,
                    checkpoint_sha256=row.checkpoint_sha256,
                    log_bytes_dropped=row.log_bytes_dropped,
                    exception_type=row.exception_type,
                    evaluated=row.evaluated,
                )
                for row in rows
            ]

    def agree(self, evaluation: str, machine: str, terms: dict[str, Any]) -> dict[str, Any]:
        """Keep the terms of an evaluation on a machine, unless some are kept; return those that are."""
        with _translated(), Session(self._engine) as session:
            try:
                session.add(TermsRow(evaluation=evaluation, machine=machine, terms=json.dumps(terms)))
                session.commit()
            except IntegrityError:
                session.rollback()
        kept = self.terms(evaluation, machine)
        if kept is None:
            raise HostNotReadyError(f"The terms of evaluation {evaluation} could not be kept.")
        return kept

    def terms(self, evaluation: str, machine: str) -> dict[str, Any] | None:
        """Return the terms of an evaluation on a machine, if there are any."""
        with self._session() as session:
            row = session.get(TermsRow, (evaluation, machine))
            return json.loads(row.terms) if row is not None else None

    def all_terms(self, evaluation: str) -> list[dict[str, Any]]:
        """Return the terms of an evaluation on every machine that had a part in it."""
        with self._session() as session:
            rows = session.scalars(select(TermsRow).where(TermsRow.evaluation == evaluation)).all()
            return [json.loads(row.terms) for row in rows]

    def add_seconds(self, evaluation: str, seconds: float) -> float:
        """Add to the time spent on an evaluation and return the sum."""
        with self._session() as session:
            row = session.get_one(EvaluationRow, evaluation)
            row.seconds += seconds
            return row.seconds

    def finish(self, evaluation: str, summary: dict[str, Any]) -> None:
        """Keep how an evaluation ended."""
        with self._session() as session:
            row = session.get_one(EvaluationRow, evaluation)
            row.summary = json.dumps(summary)

    def summary(self, evaluation: str) -> dict[str, Any] | None:
        """Return how an evaluation ended, if it has."""
        with self._session() as session:
            row = session.get(EvaluationRow, evaluation)
            text = row.summary if row is not None else None
        return json.loads(text) if text is not None else None

    def evaluations(self) -> list[dict[str, Any]]:
        """Return all evaluations, the oldest first."""
        with self._session() as session:
            rows = session.scalars(select(EvaluationRow).order_by(EvaluationRow.begun)).all()
            return [
                {
                    "evaluation": row.id,
                    "submission": row.submission,
                    "challenge": row.challenge,
                    "n": row.n,
                    "begun": row.begun,
                    "image": row.image,
                    "summary": json.loads(row.summary) if row.summary else None,
                }
                for row in rows
            ]

    def find(self, prefix: str) -> str:
        """Return the one evaluation whose id begins so.

        Raises:
            ConfigurationError: none does, or several do.
        """
        with self._session() as session:
            found = session.scalars(
                select(EvaluationRow.id).where(EvaluationRow.id.startswith(prefix, autoescape=True))
            ).all()
        if len(found) != 1:
            how_many = "No evaluation begins" if not found else f"{len(found)} evaluations begin"
            raise ConfigurationError(f"{how_many} with {prefix!r}; see: unlearn list")
        return found[0]

    def remove(self, evaluation: str) -> None:
        """Forget an evaluation and its runs."""
        with self._session() as session:
            for table in (RunRow, AttemptRow, TermsRow):
                session.execute(delete(table).where(table.evaluation == evaluation))
            session.execute(delete(EvaluationRow).where(EvaluationRow.id == evaluation))


def _prepare_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own type
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OverflowError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise HostNotReadyError(f"The store cannot be used: {cause}.") from error


def _now() -> datetime:
    return datetime.now(UTC)
