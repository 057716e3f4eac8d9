"""Judge entries again as a batch: new entries beside the old ones, applied or cancelled as a whole."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from runner.competition.states import OUT, EntryState
from runner.errors import ConfigurationError
from runner.store.competition.audit import record_act
from runner.store.competition.records import Act, CompetitionEntry
from runner.store.competition.rows import entry_of, step_row
from runner.store.competition.schema import ChoiceRow, CompetitionEntryRow
from runner.store.database import Database, utc_now

_ENDED = (EntryState.SCORED, EntryState.FAILED)


class RejudgingQueries:
    """The part of the store that has rejudgings."""

    database: Database

    def begin_rejudging(
        self,
        competition: str,
        entries: Collection[int],
        *,
        act: Act,
        challenge: str | None = None,
        rescore: bool = False,
    ) -> int:
        """Queue entries once more, pending, with the old time of receipt; return the number of the batch.

        Args:
            competition: Its name.
            entries: Numbers of entries that are scored or have failed.
            act: For the audit; its subject is replaced by that of the batch.
            challenge: On which they are evaluated; where they were, if it is None.
            rescore: Whether their stored outputs are scored again, and nothing is executed.

        Raises:
            ConfigurationError: one of them is not of this competition, or has not ended, or is judged again.
        """
        with self.database.writing() as session:
            now = utc_now()
            batch = (session.scalar(select(func.max(CompetitionEntryRow.batch))) or 0) + 1
            for number in sorted(set(entries)):
                old = session.get(CompetitionEntryRow, number)
                if old is None or old.competition != competition or old.pending:
                    raise ConfigurationError(f"{competition} has no entry {number}.")
                if EntryState(old.state) not in _ENDED:
                    raise ConfigurationError(
                        f"Entry {number} is {old.state}; only ended ones are judged again."
                    )
                if _is_pending(session, number):
                    raise ConfigurationError(f"Entry {number} is being judged again already.")
                row = _again(old, batch, now, challenge or old.challenge)
                row.rescores = old.evaluation if rescore else None
                step_row(row, (EntryState.CHECKING, EntryState.QUEUED), now)
                session.add(row)
            record_act(session, competition, _of_batch(act, batch), now)
        return batch

    def rejudging(self, competition: str, batch: int) -> list[tuple[CompetitionEntry, CompetitionEntry]]:
        """Return the old and the new entry of each pair of a batch, by the old one's number.

        Raises:
            ConfigurationError: there is no such batch.
        """
        with self.database.reading() as session:
            return [(entry_of(old), entry_of(new)) for old, new in _pairs(session, competition, batch)]

    def apply_rejudging(self, competition: str, batch: int, *, act: Act) -> int:
        """Let the new entries of a batch count in place of the old ones; return how many do.

        What a team has chosen is chosen in its new form. An old entry that was taken out of the competition
        meanwhile stays out.

        Raises:
            ConfigurationError: there is no such batch, or one of its entries has not ended, or it is over.
        """
        with self.database.writing() as session:
            now, applied = utc_now(), 0
            pairs = _open_pairs(session, competition, batch)
            unfinished = [new.id for _old, new in pairs if EntryState(new.state) not in _ENDED]
            if unfinished:
                raise ConfigurationError(
                    f"Entry {unfinished[0]} of rejudging {batch} has not ended; evaluate it, or cancel all."
                )
            for old, new in pairs:
                if EntryState(old.state) not in _ENDED:
                    step_row(new, (EntryState.WITHDRAWN,), now)
                    continue
                step_row(old, (EntryState.SUPERSEDED,), now)
                old.reason = f"judged again as entry {new.id}"
                new.pending = False
                _move_choices(session, old.id, new.id)
                applied += 1
            record_act(session, competition, _of_batch(act, batch), now)
        return applied

    def cancel_rejudging(self, competition: str, batch: int, *, act: Act) -> None:
        """Drop the new entries of a batch; the old ones count as before.

        Raises:
            ConfigurationError: there is no such batch, or it is over.
        """
        with self.database.writing() as session:
            now = utc_now()
            for _old, new in _open_pairs(session, competition, batch):
                step_row(new, (EntryState.WITHDRAWN,), now)
                new.reason = f"rejudging {batch} was cancelled"
            record_act(session, competition, _of_batch(act, batch), now)


def _again(old: CompetitionEntryRow, batch: int, now: datetime, challenge: str) -> CompetitionEntryRow:
    """Return the row of an entry that is judged again."""
    return CompetitionEntryRow(
        competition=old.competition,
        phase=old.phase,
        team=old.team,
        received=old.received,
        file_name=old.file_name,
        archive_sha256=old.archive_sha256,
        bytes=old.bytes,
        state=str(EntryState.RECEIVED),
        state_since=now,
        challenge=challenge,
        evaluation=None,
        reason=None,
        attempts=0,
        seconds=0.0,
        source=old.id,
        batch=batch,
        pending=True,
        idempotency_key=json.dumps(["rejudge", batch, old.id]),
    )


def _is_pending(session: Session, source: int) -> bool:
    row = CompetitionEntryRow
    query = select(row.id).where(
        row.source == source, row.pending.is_(True), row.state.not_in([str(state) for state in OUT])
    )
    return session.scalars(query).first() is not None


def _pairs(
    session: Session, competition: str, batch: int
) -> Sequence[tuple[CompetitionEntryRow, CompetitionEntryRow]]:
    row = CompetitionEntryRow
    query = select(row).where(row.competition == competition, row.batch == batch).order_by(row.source)
    pairs = [(session.get_one(row, new.source), new) for new in session.scalars(query).all()]
    if not pairs:
        raise ConfigurationError(f"{competition} has no rejudging {batch}.")
    return pairs


def _open_pairs(
    session: Session, competition: str, batch: int
) -> Sequence[tuple[CompetitionEntryRow, CompetitionEntryRow]]:
    pairs = [
        (old, new)
        for old, new in _pairs(session, competition, batch)
        if new.pending and EntryState(new.state) not in OUT
    ]
    if not pairs:
        raise ConfigurationError(f"Rejudging {batch} is over.")
    return pairs


def _move_choices(session: Session, old: int, new: int) -> None:
    for choice in session.scalars(select(ChoiceRow).where(ChoiceRow.entry == old)).all():
        if session.get(ChoiceRow, (choice.competition, choice.final, new)) is not None:
            continue
        session.add(
            ChoiceRow(
                competition=choice.competition,
                final=choice.final,
                entry=new,
                team=choice.team,
                chosen=choice.chosen,
            )
        )
    session.execute(delete(ChoiceRow).where(ChoiceRow.entry == old))


def _of_batch(act: Act, batch: int) -> Act:
    return Act(who=act.who, act=act.act, subject=f"rejudging {batch}", reason=act.reason)
