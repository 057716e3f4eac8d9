"""Counters that limit rates: how often something happened within an interval, over all processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete

from runner.store.competition.schema import RateRow
from runner.store.database import Database, RowConflictError, as_utc, utc_now

_KEPT: Final = timedelta(hours=1)
"""After which a counter is removed; no interval is longer."""


class RateQueries:
    """The part of the store that counts."""

    database: Database

    def allow(self, name: str, *, most: int, interval: timedelta, now: datetime | None = None) -> bool:
        """Count once more and return True, unless ``most`` were counted in this interval already.

        Args:
            name: What is counted, and for whom.
            most: How often it may happen in an interval.
            interval: From the first that is counted; an hour at most.
            now: The present moment, for tests.
        """
        now = now or utc_now()
        with self.database.reading() as session:  # what is refused costs no write
            row = session.get(RateRow, name)
            if row is not None and now - as_utc(row.begun) < interval and row.count >= most:
                return False
        try:
            return self._count(name, most=most, interval=interval, now=now)
        except RowConflictError:  # another process has begun to count at the same moment
            return self._count(name, most=most, interval=interval, now=now)

    def _count(self, name: str, *, most: int, interval: timedelta, now: datetime) -> bool:
        with self.database.writing() as session:
            row = session.get(RateRow, name, with_for_update=True)
            if row is None or now - as_utc(row.begun) >= interval:
                session.execute(
                    delete(RateRow)
                    .where(RateRow.begun < now - _KEPT, RateRow.name != name)
                    .execution_options(synchronize_session=False)
                )
                if row is None:
                    session.add(RateRow(name=name, begun=now, count=1))
                else:
                    row.begun, row.count = now, 1
                return True
            if row.count >= most:
                return False
            row.count += 1
            return True
