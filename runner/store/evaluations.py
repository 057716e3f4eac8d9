"""Record, list, finish and remove evaluations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from runner.errors import ConfigurationError
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database, RowConflictError, utc_now
from runner.store.entries.naming import resolve_name
from runner.store.entries.queries import end_entries_of, entries_in
from runner.store.entries.records import Outcome
from runner.store.fencing import require_token
from runner.store.records import EvaluationRecord
from runner.store.schema import (
    DERIVED,
    AttemptRow,
    EntryRow,
    EvaluationRow,
    RunRow,
    SubmissionRow,
    TermsRow,
)
from runner.store.stored_evaluation import StoredEvaluation, evaluation_from_row

_IS_WHOLE: Final = EvaluationRow.parent.is_(None)
"""It is not the part of another one that is on a control problem."""


class EvaluationQueries:
    """The part of the store that records evaluations."""

    database: Database

    def begin(self, record: EvaluationRecord) -> None:
        """Record an evaluation, unless it is recorded already."""
        try:
            self._begin(record)
        except RowConflictError:  # another process has just recorded the same
            self._begin(record)

    def _begin(self, record: EvaluationRecord) -> None:
        with self.database.writing() as session:
            if session.get(SubmissionRow, record.submission_sha256) is None:
                session.add(
                    SubmissionRow(
                        sha256=record.submission_sha256,
                        name=record.submission,
                        archive_bytes=record.archive_bytes,
                        added=utc_now(),
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
                        begun=utc_now(),
                        challenge_folder=record.challenge_folder,
                        parent=record.parent,
                    )
                )

    def add_seconds(self, evaluation: str, seconds: float) -> float:
        """Add to the time spent on an evaluation and return the sum."""
        with self.database.writing() as session:
            row = session.get_one(EvaluationRow, evaluation)
            row.seconds += seconds
            return row.seconds

    def finish(
        self,
        evaluation: str,
        summary: Mapping[str, Any],
        *,
        manifest_sha256: str | None = None,
        outcome: Outcome | None = None,
        token: int | None = None,
    ) -> None:
        """Record how an evaluation ended, and so what came of its entries.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            row = session.get_one(EvaluationRow, evaluation)
            row.summary, row.manifest_sha256 = json.dumps(summary), manifest_sha256
            if outcome is not None:
                end_entries_of(session, evaluation, outcome)

    def restart(self, evaluation: str, *, token: int | None = None) -> bool:
        """Delete the runs and the result of an evaluation that has ended; return False if it has not.

        What identifies it, its entries, attempts and terms stay.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            row = session.get(EvaluationRow, evaluation)
            if row is None or row.summary is None:
                return False
            _remove_controls(session, evaluation)
            for table in (RunRow, *DERIVED):
                session.execute(delete(table).where(table.evaluation == evaluation))
            session.execute(update(EntryRow).where(EntryRow.evaluation == evaluation).values(outcome=None))
            row.summary, row.manifest_sha256, row.seconds = None, None, 0.0
        return True

    def find_evaluation(self, evaluation: str) -> StoredEvaluation | None:
        """Return an evaluation by its whole name, or None."""
        with self.database.reading() as session:
            row = session.get(EvaluationRow, evaluation)
            return _from_row(row) if row is not None else None

    def evaluation(self, evaluation: str) -> StoredEvaluation:
        """Return an evaluation by its whole name.

        Raises:
            ConfigurationError: there is none.
        """
        stored = self.find_evaluation(evaluation)
        if stored is None:
            raise ConfigurationError(f"There is no evaluation {evaluation}; see: unlearn list")
        return stored

    def evaluations(self) -> list[StoredEvaluation]:
        """Return all evaluations but those on control problems, the oldest first."""
        with self.database.reading() as session:
            query = select(EvaluationRow).where(_IS_WHOLE).order_by(EvaluationRow.begun, EvaluationRow.id)
            return [_from_row(row) for row in session.scalars(query).all()]

    def seconds_per_run(self) -> dict[str, float]:
        """Return what a run takes on each challenge by its hash: the median of ended evaluations."""
        query = select(EvaluationRow.challenge_sha256, EvaluationRow.seconds / EvaluationRow.n).where(
            _IS_WHOLE, EvaluationRow.summary.is_not(None), EvaluationRow.seconds > 0
        )
        rates: dict[str, list[float]] = {}
        with self.database.reading() as session:
            for sha256, seconds in session.execute(query):
                rates.setdefault(sha256, []).append(float(seconds))
        return {sha256: median(values) for sha256, values in rates.items()}

    def controls_of(self, evaluation: str) -> list[StoredEvaluation]:
        """Return the parts of an evaluation that are on control problems, in no particular order."""
        with self.database.reading() as session:
            query = select(EvaluationRow).where(EvaluationRow.parent == evaluation).order_by(EvaluationRow.id)
            return [_from_row(row) for row in session.scalars(query)]

    def find(self, word: str, *, by_entry: bool = True) -> str:
        """Return the name of the evaluation that a word names: see `runner.store.entries.naming`.

        Args:
            word: As typed.
            by_entry: Whether it may be ``last``, or the name or path of a submission.

        Raises:
            ConfigurationError: it names none, or more than one.
        """
        with self.database.reading() as session:
            query = select(EvaluationRow.id, EvaluationRow.submission)
            names = session.execute(
                query.where(_IS_WHOLE).order_by(EvaluationRow.begun, EvaluationRow.id)
            ).all()
            entries = entries_in(session) if by_entry else []
        return resolve_name(word, {row.id: row.submission for row in names}, entries, by_entry=by_entry)

    def remove(self, evaluation: str) -> str | None:
        """Delete an evaluation with its runs and entries, and its parts on control problems.

        Returns its submission's hash if no other evaluation and no entry of a competition uses it.
        """
        with self.database.writing() as session:
            row = session.get(EvaluationRow, evaluation)
            submission = row.submission_sha256 if row is not None else None
            _remove_controls(session, evaluation)
            for table in (RunRow, AttemptRow, TermsRow, EntryRow, *DERIVED):
                session.execute(delete(table).where(table.evaluation == evaluation))
            session.execute(delete(EvaluationRow).where(EvaluationRow.id == evaluation))
            others = session.scalar(
                select(func.count()).where(EvaluationRow.submission_sha256 == (submission or ""))
            )
            entries = session.scalar(
                select(func.count()).where(CompetitionEntryRow.archive_sha256 == (submission or ""))
            )
        return None if others or entries else submission


def _remove_controls(session: Session, evaluation: str) -> None:
    names = select(EvaluationRow.id).where(EvaluationRow.parent == evaluation)
    for table in (RunRow, AttemptRow, TermsRow):
        session.execute(delete(table).where(table.evaluation.in_(names)))
    session.execute(delete(EvaluationRow).where(EvaluationRow.parent == evaluation))


def _from_row(row: EvaluationRow) -> StoredEvaluation:
    return evaluation_from_row({column.key: getattr(row, column.key) for column in row.__table__.columns})
