"""The attempts of an evaluation: containers launched to execute its runs."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import select, update

from runner.store.database import Database, as_utc, utc_now
from runner.store.fencing import newest_attempt_query, require_token
from runner.store.records import AttemptRecord
from runner.store.schema import AttemptRow, LeaseRow

_ADAPTER: Final = TypeAdapter(AttemptRecord)


class AttemptQueries:
    """The part of the store that records attempts."""

    database: Database

    def begin_attempt(self, evaluation: str, *, token: int | None = None, device: str | None = None) -> int:
        """Record that a container is launched on a device, and return the attempt's number.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            number = (session.scalar(newest_attempt_query(evaluation)) or 0) + 1
            session.add(AttemptRow(evaluation=evaluation, number=number, begun=utc_now(), device=device))
        return number

    def held_leases(self) -> set[str]:
        """Return the evaluations on which a process works. A killed one counts until its lease expires."""
        now = self.database.clock()
        query = select(LeaseRow.evaluation).where(LeaseRow.holder != "", LeaseRow.expires > now)
        with self.database.reading() as session:
            return set(session.scalars(query))

    def end_attempt(self, evaluation: str, number: int, outcome: str) -> None:
        """Record how an attempt ended."""
        with self.database.writing() as session:
            session.execute(
                update(AttemptRow)
                .where(AttemptRow.evaluation == evaluation, AttemptRow.number == number)
                .values(ended=utc_now(), outcome=outcome)
            )

    def devices_at_work(self, evaluations: Collection[str]) -> dict[str, str]:
        """Return the device of the attempt in progress of each evaluation that has one.

        The end of a killed attempt is never recorded, so it is the newest that counts.
        """
        query = (
            select(AttemptRow.evaluation, AttemptRow.device)
            .where(
                AttemptRow.evaluation.in_(evaluations),
                AttemptRow.ended.is_(None),
                AttemptRow.device.is_not(None),
            )
            .order_by(AttemptRow.number)
        )
        with self.database.reading() as session:
            return {name: str(device) for name, device in session.execute(query)}

    def attempts(self, evaluation: str) -> list[AttemptRecord]:
        """Return the attempts, by number."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(AttemptRow).where(AttemptRow.evaluation == evaluation).order_by(AttemptRow.number)
            ).all()
            return [
                _ADAPTER.validate_python(
                    {
                        "number": row.number,
                        "begun": as_utc(row.begun),
                        "ended": as_utc(row.ended) if row.ended is not None else None,
                        "outcome": row.outcome,
                        "device": row.device,
                    }
                )
                for row in rows
            ]
