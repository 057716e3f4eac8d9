"""Record entries, end them, and find those of an evaluation or of a content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from runner.store.database import Database, utc_now
from runner.store.entries.records import Entry, NewEntry, Outcome, entry_from_row
from runner.store.schema import EntryRow, SubmissionRow


class EntryQueries:
    """The part of the store that records entries."""

    database: Database

    def record_entries(self, command: str, entries: Sequence[NewEntry]) -> list[Entry]:
        """Record the entries of a command, all or none, and return them in this order.

        One that is recorded already is returned as it is: the same command was typed before. So is one that
        occurs twice. An entry of an earlier store, of which no path is known, gets that of the first of its
        name, content and evaluation.

        Args:
            command: Identifies the command.
            entries: In the order in which they were typed.
        """
        recorded = []
        with self.database.writing() as session:
            for entry in entries:
                row = session.scalars(_query_for(entry)).first()
                if row is None and entry.evaluation is not None:
                    row = session.scalars(_query_without_path(entry)).first()
                    if row is not None:
                        row.path, row.folder = entry.path, entry.folder
                        session.flush()
                if row is None:
                    row = EntryRow(command=command, received=utc_now(), **asdict(entry))
                    session.add(row)
                    session.flush()
                recorded.append(_from_row(row))
        return recorded

    def end_entries(self, evaluation: str, outcome: Outcome, reason: str | None = None) -> None:
        """Record what came of all entries that share an evaluation, as `end_entries_of`."""
        with self.database.writing() as session:
            end_entries_of(session, evaluation, outcome, reason)

    def entries(self) -> list[Entry]:
        """Return all entries, the oldest first."""
        return self._select(select(EntryRow))

    def entries_of(self, evaluation: str) -> list[Entry]:
        """Return the entries that share an evaluation, the oldest first."""
        return self._select(select(EntryRow).where(EntryRow.evaluation == evaluation))

    def same_content(self, entry: Entry) -> Entry | None:
        """Return the oldest entry before this one that has its content, under another name or path.

        The same name on another challenge or with another number of runs is no copy, nor is an archive of
        the store, whose file is named by its hash.
        """
        if entry.content_sha256 is None or entry.evaluation is None:
            return None
        if entry.path is not None and PurePath(entry.path).stem == entry.content_sha256:
            return None
        same: ColumnElement[bool] = and_(
            EntryRow.content_sha256 == entry.content_sha256,
            EntryRow.id < entry.id,
            EntryRow.evaluation.is_not(None),
            or_(EntryRow.name != entry.name, EntryRow.evaluation == entry.evaluation),
        )
        first = self._select(select(EntryRow).where(same).limit(1))
        return first[0] if first else None

    def known_name(self, sha256: str) -> str | None:
        """Return the name under which a content was first handed in; None if it never was."""
        with self.database.reading() as session:
            name = session.scalar(
                select(EntryRow.name)
                .where(EntryRow.content_sha256 == sha256, EntryRow.evaluation.is_not(None))
                .order_by(EntryRow.id)
            )
            if name is None:
                name = session.scalar(select(SubmissionRow.name).where(SubmissionRow.sha256 == sha256))
            return name

    def remove_refused(self) -> int:
        """Delete the entries that were refused, which no evaluation takes along; return how many."""
        with self.database.writing() as session:
            refused = EntryRow.outcome == str(Outcome.REFUSED)
            count = session.scalar(select(func.count()).select_from(EntryRow).where(refused)) or 0
            session.execute(delete(EntryRow).where(refused))
            return count

    def _select(self, query: Select[Any]) -> list[Entry]:
        with self.database.reading() as session:
            return [_from_row(row) for row in session.scalars(query.order_by(EntryRow.id)).all()]


def entries_in(session: Session) -> list[Entry]:
    """Return all entries that a transaction sees, the oldest first."""
    return [_from_row(row) for row in session.scalars(select(EntryRow).order_by(EntryRow.id)).all()]


def end_entries_of(session: Session, evaluation: str, outcome: Outcome, reason: str | None = None) -> None:
    """Record what came of all entries that share an evaluation, in the transaction of ``session``.

    One that is scored or has failed is not held, whatever befalls a later copy of it.
    """
    query = update(EntryRow).where(EntryRow.evaluation == evaluation)
    if outcome is Outcome.HELD:
        query = query.where(or_(EntryRow.outcome.is_(None), EntryRow.outcome == str(Outcome.HELD)))
    session.execute(query.values(outcome=str(outcome), reason=reason))


def _query_for(entry: NewEntry) -> Select[Any]:
    """Return the query for an entry that was recorded when the same was typed before."""
    names = ["name", "path", "folder", "content_sha256", "challenge_sha256", "n", "evaluation"]
    if entry.evaluation is None:
        names += ["reason"]
    columns = EntryRow.__table__.columns
    return select(EntryRow).where(
        *(columns[name].is_not_distinct_from(getattr(entry, name)) for name in names)
    )


def _query_without_path(entry: NewEntry) -> Select[Any]:
    """Return the query for an entry of an earlier store that may be this one."""
    return (
        select(EntryRow)
        .where(
            EntryRow.name == entry.name,
            EntryRow.content_sha256.is_not_distinct_from(entry.content_sha256),
            EntryRow.evaluation == entry.evaluation,
            EntryRow.path.is_(None),
        )
        .order_by(EntryRow.id)
    )


def _from_row(row: EntryRow) -> Entry:
    return entry_from_row({column.key: getattr(row, column.key) for column in row.__table__.columns})
