"""The containers that were launched for an evaluation, as the store keeps them."""

from __future__ import annotations

from sqlalchemy import select, update

from runner.database import Database
from runner.store_fence import newest_attempt, now, require_token, utc
from runner.store_records import AttemptRecord
from runner.tables import AttemptRow


class Attempts:
    """The part of the store that keeps attempts."""

    database: Database

    def begin_attempt(self, evaluation: str, *, token: int | None = None) -> int:
        """Note that a container is launched, and return the attempt's number.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            number = (session.scalar(newest_attempt(evaluation)) or 0) + 1
            session.add(AttemptRow(evaluation=evaluation, number=number, begun=now()))
        return number

    def end_attempt(self, evaluation: str, number: int, outcome: str) -> None:
        """Note how an attempt ended."""
        with self.database.writing() as session:
            session.execute(
                update(AttemptRow)
                .where(AttemptRow.evaluation == evaluation, AttemptRow.number == number)
                .values(ended=now(), outcome=outcome)
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
                    begun=utc(row.begun),
                    ended=utc(row.ended) if row.ended is not None else None,
                    outcome=row.outcome,
                )
                for row in rows
            ]
