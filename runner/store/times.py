"""Times in the database: UTC, with their zone."""

from __future__ import annotations

from datetime import UTC, datetime


def as_utc(moment: datetime) -> datetime:
    """Return a time with its zone, which SQLite does not store."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def utc_now() -> datetime:
    """Return the current time, with its zone."""
    return datetime.now(UTC)
