"""Evaluations from their beginning to their removal, as the store keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError

from runner.errors import ConfigurationError
from runner.store.database import Database, database_errors
from runner.store.fencing import require_token
from runner.store.records import EvaluationRecord
from runner.store.schema import AttemptRow, EvaluationRow, RunRow, SubmissionRow, TermsRow
from runner.store.times import utc_now


class EvaluationQueries:
    """The part of the store that keeps evaluations."""

    database: Database

    def begin(self, record: EvaluationRecord) -> None:
        """Note an evaluation, unless it is known."""
        with database_errors():
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
            require_token(session, evaluation, token)
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
