"""Record acts, in the transaction that does what they name, and list them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from runner.store.competition.records import Act, RecordedAct
from runner.store.competition.schema import AuditRow
from runner.store.database import Database, as_utc, utc_now


class AuditQueries:
    """The part of the store that has the audit."""

    database: Database

    def add_act(self, competition: str, act: Act) -> None:
        """Record an act."""
        with self.database.writing() as session:
            record_act(session, competition, act, utc_now())

    def audit(self, competition: str) -> list[RecordedAct]:
        """Return all acts of a competition, the oldest first."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(AuditRow).where(AuditRow.competition == competition).order_by(AuditRow.id)
            ).all()
            return [
                RecordedAct(
                    at=as_utc(row.at), who=row.who, act=row.act, subject=row.subject, reason=row.reason
                )
                for row in rows
            ]


def record_act(session: Session, competition: str, act: Act, at: datetime) -> None:
    """Record an act in the transaction of ``session``."""
    session.add(
        AuditRow(
            competition=competition, at=at, who=act.who, act=act.act, subject=act.subject, reason=act.reason
        )
    )
