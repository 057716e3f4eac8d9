"""What is kept of evaluations: SQLite through SQLAlchemy, so that a URL can name another database.

A run is published once: its first verdict stands, whoever comes later. Two numbers fence off
a process that slept while another went on: an attempt that is not the newest publishes nothing, and
neither does who has lost the lease of an evaluation, known by its token. Times are UTC.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Select, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from runner.database import Database, sqlite_url, translated
from runner.errors import ConfigurationError, HostNotReadyError, TakenOverError
from runner.tables import AttemptRow, EvaluationRow, LeaseRow, RunRow, SubmissionRow, TermsRow
from runner.verdict import Verdict

DATABASE: Final = "store.sqlite"
_AT_ONCE: Final = 500
"""Values in one question: databases have a limit."""


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
    outputs_sha256: str = ""
    """Of the file of its outputs; empty before they are on disk."""


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
    challenge_folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """A container that was launched, and what came of it."""

    number: int
    begun: datetime
    ended: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """Checkpoints of one evaluation that equal another submission's."""

    evaluation: str
    submission: str
    digests: frozenset[str]
    """Of these checkpoints."""


class Store:
    """The database of one store folder. Safe to use from several threads."""

    def __init__(self, url: str | URL, *, writable: bool = True) -> None:
        """Open it, making what is missing.

        Raises:
            HostNotReadyError: it cannot be opened or written.
        """
        self.database = Database(url, writable=writable)

    @classmethod
    def in_folder(cls, folder: Path, *, create: bool) -> Store:
        """Open the SQLite store of a folder.

        Raises:
            ConfigurationError: there is none and ``create`` is false.
            HostNotReadyError: it cannot be opened or, if ``create``, written.
        """
        file = folder / DATABASE
        if not create and not file.is_file():
            raise ConfigurationError(f"There are no evaluations at {folder}; name their folder with --store.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise HostNotReadyError(f"{folder} cannot be made: {error.strerror}.") from error
        url, writable = sqlite_url(file)
        if create and not writable:
            raise HostNotReadyError(f"{folder} cannot be written; name another folder with --store.")
        return cls(url, writable=writable)

    def close(self) -> None:
        """Let go of all connections."""
        self.database.close()

    def begin(self, record: EvaluationRecord) -> None:
        """Note an evaluation, unless it is known."""
        with translated():
            try:
                self._begin(record)
            except IntegrityError:  # another process has just noted the same
                self._begin(record)

    def _begin(self, record: EvaluationRecord) -> None:
        with self.database.writing() as session:
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
                        challenge_folder=record.challenge_folder,
                    )
                )

    def begin_attempt(self, evaluation: str, *, token: int | None = None) -> int:
        """Note that a container is launched, and return the attempt's number.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            _require_token(session, evaluation, token)
            number = (session.scalar(_newest_attempt(evaluation)) or 0) + 1
            session.add(AttemptRow(evaluation=evaluation, number=number, begun=_now()))
        return number

    def end_attempt(self, evaluation: str, number: int, outcome: str) -> None:
        """Note how an attempt ended."""
        with self.database.writing() as session:
            session.execute(
                update(AttemptRow)
                .where(AttemptRow.evaluation == evaluation, AttemptRow.number == number)
                .values(ended=_now(), outcome=outcome)
            )

    def attempts(self, evaluation: str) -> list[AttemptRecord]:
        """Return the attempts, by number."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(AttemptRow).where(AttemptRow.evaluation == evaluation).order_by(AttemptRow.number)
            ).all()
            return [
                AttemptRecord(
                    number=row.number,
                    begun=_utc(row.begun),
                    ended=_utc(row.ended) if row.ended is not None else None,
                    outcome=row.outcome,
                )
                for row in rows
            ]

    def publish(self, evaluation: str, run: RunRecord, *, token: int | None = None) -> bool:
        """Publish a run; return False, changing nothing, if it has been published before.

        Raises:
            TakenOverError: its attempt is not the newest, or ``token`` is not that of the lease.
        """
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
            exception_type=run.exception_type or None,
            evaluated=run.evaluated,
            outputs_sha256=run.outputs_sha256 or None,
            ended=_now(),
        )
        with self.database.writing() as session:
            _require_token(session, evaluation, token)
            newest = session.scalar(_newest_attempt(evaluation))
            if newest is not None and 0 < run.attempt < newest:
                raise TakenOverError(
                    f"Attempt {run.attempt} of evaluation {evaluation} is not the newest any more; "
                    "what it brought late is not kept."
                )
            if session.get(RunRow, (evaluation, run.index)) is not None:
                return False
            session.add(row)
        return True

    def mark_evaluated(
        self, evaluation: str, index: int, *, outputs_sha256: str = "", token: int | None = None
    ) -> None:
        """Note that a run's outputs are on disk, or are put there next.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, evaluated=True, outputs_sha256=outputs_sha256 or None)

    def mark_unevaluated(self, evaluation: str, index: int, *, token: int | None = None) -> None:
        """Note that a run's outputs are to be computed anew.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, evaluated=False, outputs_sha256=None)

    def reject(self, evaluation: str, index: int, detail: str, *, token: int | None = None) -> None:
        """Turn the verdict of a run whose network answers nonsense into ``bad-checkpoint``.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, verdict=str(Verdict.BAD_CHECKPOINT), detail=detail)

    def _update_run(self, evaluation: str, index: int, token: int | None, **values: Any) -> None:  # noqa: ANN401 - columns
        with self.database.writing() as session:
            _require_token(session, evaluation, token)
            session.execute(
                update(RunRow).where(RunRow.evaluation == evaluation, RunRow.index == index).values(**values)
            )

    def withdraw(self, evaluation: str, indices: Sequence[int], *, token: int | None = None) -> None:
        """Forget runs whose files were lost on our side, so that they are done again.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            _require_token(session, evaluation, token)
            session.execute(delete(RunRow).where(RunRow.evaluation == evaluation, RunRow.index.in_(indices)))

    def runs(self, evaluation: str) -> list[RunRecord]:
        """Return the published runs, by index."""
        with self.database.reading() as session:
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
                    exception_type=row.exception_type or "",
                    evaluated=row.evaluated,
                    outputs_sha256=row.outputs_sha256 or "",
                )
                for row in rows
            ]

    def agree(self, evaluation: str, machine: str, terms: dict[str, Any]) -> dict[str, Any]:
        """Keep the terms of an evaluation on a machine, unless some are kept; return those that are."""
        with self.database.writing() as session:
            row = session.get(TermsRow, (evaluation, machine))
            if row is None:
                row = TermsRow(evaluation=evaluation, machine=machine, terms=json.dumps(terms))
                session.add(row)
            kept: dict[str, Any] = json.loads(row.terms)
        return kept

    def terms(self, evaluation: str, machine: str) -> dict[str, Any] | None:
        """Return the terms of an evaluation on a machine, if there are any."""
        with self.database.reading() as session:
            row = session.get(TermsRow, (evaluation, machine))
            return json.loads(row.terms) if row is not None else None

    def all_terms(self, evaluation: str) -> list[dict[str, Any]]:
        """Return the terms of an evaluation on every machine that had a part in it."""
        with self.database.reading() as session:
            rows = session.scalars(select(TermsRow).where(TermsRow.evaluation == evaluation)).all()
            return [json.loads(row.terms) for row in rows]

    def retraining_seconds(self, evaluation: str) -> float | None:
        """Return how long retraining takes where an evaluation was done; None unless all machines agree."""
        told = {terms.get("retrain_seconds") for terms in self.all_terms(evaluation)}
        only = told.pop() if len(told) == 1 else None
        return float(only) if only is not None else None

    def add_seconds(self, evaluation: str, seconds: float) -> float:
        """Add to the time spent on an evaluation and return the sum."""
        with self.database.writing() as session:
            row = session.get_one(EvaluationRow, evaluation)
            row.seconds += seconds
            return row.seconds

    def finish(
        self,
        evaluation: str,
        summary: dict[str, Any],
        *,
        manifest_sha256: str | None = None,
        token: int | None = None,
    ) -> None:
        """Keep how an evaluation ended.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            _require_token(session, evaluation, token)
            row = session.get_one(EvaluationRow, evaluation)
            row.summary, row.manifest_sha256 = json.dumps(summary), manifest_sha256

    def manifest_sha256(self, evaluation: str) -> str | None:
        """Return the hash of the manifest that belongs to the summary, if there is one."""
        with self.database.reading() as session:
            row = session.get(EvaluationRow, evaluation)
            return row.manifest_sha256 if row is not None else None

    def challenge_folder(self, evaluation: str) -> Path | None:
        """Return where the challenge was when the evaluation began, if that was noted."""
        with self.database.reading() as session:
            row = session.get(EvaluationRow, evaluation)
            return Path(row.challenge_folder) if row is not None and row.challenge_folder else None

    def copies(self, evaluation: str, digests: Collection[str]) -> list[Copy]:
        """Return which evaluations of other submissions on the same challenge have these checkpoints.

        The one with the most comes first; only one evaluation is named of each submission.
        """
        wanted = sorted(digests)
        found: dict[tuple[str, str, str], set[str]] = {}
        with self.database.reading() as session:
            mine = session.get_one(EvaluationRow, evaluation)
            for begin in range(0, len(wanted), _AT_ONCE):
                rows = session.execute(
                    select(
                        EvaluationRow.submission_sha256,
                        EvaluationRow.id,
                        EvaluationRow.submission,
                        RunRow.checkpoint_sha256,
                    )
                    .join(RunRow, RunRow.evaluation == EvaluationRow.id)
                    .where(
                        EvaluationRow.challenge_sha256 == mine.challenge_sha256,
                        EvaluationRow.submission_sha256 != mine.submission_sha256,
                        RunRow.checkpoint_sha256.in_(wanted[begin : begin + _AT_ONCE]),
                    )
                    .distinct()
                )
                for submission, name, title, digest in rows:
                    found.setdefault((submission, name, title), set()).add(digest)
        best: dict[str, Copy] = {}
        for (submission, name, title), equal in sorted(found.items(), key=lambda one: (-len(one[1]), one[0])):
            best.setdefault(submission, Copy(evaluation=name, submission=title, digests=frozenset(equal)))
        return list(best.values())

    def summary(self, evaluation: str) -> dict[str, Any] | None:
        """Return how an evaluation ended, if it has."""
        with self.database.reading() as session:
            row = session.get(EvaluationRow, evaluation)
            text = row.summary if row is not None else None
        return json.loads(text) if text is not None else None

    def evaluations(self) -> list[dict[str, Any]]:
        """Return all evaluations, the oldest first."""
        with self.database.reading() as session:
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
        with self.database.reading() as session:
            found = session.scalars(
                select(EvaluationRow.id).where(EvaluationRow.id.startswith(prefix, autoescape=True))
            ).all()
        if len(found) != 1:
            how_many = "No evaluation begins" if not found else f"{len(found)} evaluations begin"
            raise ConfigurationError(f"{how_many} with {prefix!r}; see: unlearn list")
        return found[0]

    def remove(self, evaluation: str) -> str | None:
        """Forget an evaluation and its runs.

        Return the hash of its submission if no other evaluation has it.
        """
        with self.database.writing() as session:
            row = session.get(EvaluationRow, evaluation)
            submission = row.submission_sha256 if row is not None else None
            for table in (RunRow, AttemptRow, TermsRow):
                session.execute(delete(table).where(table.evaluation == evaluation))
            session.execute(delete(EvaluationRow).where(EvaluationRow.id == evaluation))
            others = session.scalar(
                select(func.count()).where(EvaluationRow.submission_sha256 == (submission or ""))
            )
        return None if others else submission


def _newest_attempt(evaluation: str) -> Select[int]:
    return select(func.max(AttemptRow.number)).where(AttemptRow.evaluation == evaluation)


def _require_token(session: Session, evaluation: str, token: int | None) -> None:
    """Refuse who has lost the lease; databases with several writers keep it as it is meanwhile."""
    if token is None:
        return
    row = session.get(LeaseRow, evaluation, with_for_update=True)
    if row is None or row.token != token:
        by = f" by {row.holder}" if row is not None and row.holder else ""
        raise TakenOverError(
            f"Evaluation {evaluation} was taken over{by} while this process stood still; "
            "it stops here, and nothing was overwritten."
        )


def _utc(moment: datetime) -> datetime:
    """Return a time with its zone, which SQLite does not keep."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _now() -> datetime:
    return datetime.now(UTC)
