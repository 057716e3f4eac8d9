"""What was received by the web service and is not checked yet."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from runner.competition.states import OUT, EntryState
from runner.store.competition.records import CompetitionEntry, NewCompetitionEntry
from runner.store.competition.rows import entry_of, step_row
from runner.store.competition.schema import CompetitionEntryRow
from runner.store.database import Database, utc_now

_NEEDED: Final = (EntryState.RECEIVED, EntryState.CHECKING, EntryState.HELD, EntryState.LATE)
"""States from which an entry may still be checked."""


class UploadQueries:
    """The part of the store that has uploads."""

    database: Database

    def has_upload(
        self, competition: str, phase: str, team: str, *, since: datetime, key: str | None
    ) -> bool:
        """Return whether a team has handed in a file since a moment, or at any time with a key."""
        row = CompetitionEntryRow
        recent = and_(
            row.team == team, row.phase == phase, row.upload_sha256.is_not(None), row.received > since
        )
        selected = recent if key is None else or_(recent, row.idempotency_key == key)
        with self.database.reading() as session:
            query = select(row.id).where(row.competition == competition, selected)
            return session.scalars(query.limit(1)).first() is not None

    def end_check(
        self,
        entry: int,
        state: EntryState,
        *,
        archive_sha256: str | None,
        archive_bytes: int | None = None,
        reason: str | None = None,
    ) -> CompetitionEntry | None:
        """Move an entry on from its check, and record what is in its file.

        Args:
            entry: Its number.
            state: What follows.
            archive_sha256: Of the submission's archive, or of the file that was refused.
            archive_bytes: Size of the archive.
            reason: Why it was refused.

        Returns:
            The entry as it is then; None where it is not being checked any more.

        Raises:
            ConfigurationError: the state may not follow.
        """
        with self.database.writing() as session:
            row = session.get_one(CompetitionEntryRow, entry, with_for_update=True)
            if EntryState(row.state) is not EntryState.CHECKING:
                return None
            step_row(row, (state,), utc_now())
            row.archive_sha256, row.reason = archive_sha256, reason
            if archive_bytes is not None:
                row.bytes = archive_bytes
            session.flush()
            return entry_of(row)

    def needed_uploads(self) -> frozenset[str]:
        """Return the names of the files that entries of any competition still need."""
        row = CompetitionEntryRow
        query = select(row.upload).where(
            row.upload.is_not(None),
            row.archive_sha256.is_(None),
            row.state.in_([str(state) for state in _NEEDED]),
        )
        with self.database.reading() as session:
            return frozenset(name for name in session.scalars(query) if name is not None)


def same_upload(session: Session, new: NewCompetitionEntry, since: datetime) -> CompetitionEntryRow | None:
    """Return the last entry of the same bytes that its team has not taken back."""
    row = CompetitionEntryRow
    query = select(row).where(
        row.competition == new.competition,
        row.phase == new.phase,
        row.team == new.team,
        row.upload_sha256 == new.upload_sha256,
        row.received > since,
        row.batch.is_(None),
        row.state.not_in([str(state) for state in OUT]),
    )
    return session.scalars(query.order_by(row.id.desc())).first()
