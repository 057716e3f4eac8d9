"""Record an evaluation that has the runs of another one: their outputs are scored again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from runner.store.database import Database, utc_now
from runner.store.fencing import require_token
from runner.store.schema import AttemptRow, EvaluationRow, RunRow, TermsRow

_COPIED: Final[tuple[type[AttemptRow | RunRow | TermsRow], ...]] = (AttemptRow, TermsRow, RunRow)


class CopiedRunQueries:
    """The part of the store that records evaluations with the runs of others."""

    database: Database

    def begin_with_runs(
        self,
        evaluation: str,
        parts: Mapping[str, str],
        *,
        challenge: str,
        challenge_sha256: str,
        challenge_folder: Path,
        token: int,
    ) -> None:
        """Record an evaluation with the runs, attempts and terms of another, unless it is recorded already.

        Args:
            evaluation: The new one, whose lease is held.
            parts: The new name of each part by its old one: of the whole first, then of those on control
                problems.
            challenge: Name of the challenge on which it is scored.
            challenge_sha256: The same by its hash.
            challenge_folder: Where that is.
            token: Of the lease.

        Raises:
            TakenOverError: the lease is lost.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            if session.get(EvaluationRow, evaluation) is not None:
                return
            for old, new in parts.items():
                row = session.get_one(EvaluationRow, old)
                is_whole = new == evaluation
                session.add(
                    EvaluationRow(
                        id=new,
                        submission_sha256=row.submission_sha256,
                        submission=row.submission,
                        challenge=challenge if is_whole else row.challenge,
                        challenge_sha256=challenge_sha256 if is_whole else row.challenge_sha256,
                        image=row.image,
                        n=row.n,
                        begun=utc_now(),
                        seconds=row.seconds,
                        challenge_folder=str(challenge_folder.absolute())
                        if is_whole
                        else row.challenge_folder,
                        parent=None if is_whole else evaluation,
                    )
                )
                session.flush()
                for table in _COPIED:
                    _copy(session, table, old, new)


def _copy(session: Session, table: type[AttemptRow | RunRow | TermsRow], old: str, new: str) -> None:
    for row in session.scalars(select(table).where(table.evaluation == old)).all():
        values: dict[str, Any] = {column.key: getattr(row, column.key) for column in table.__table__.columns}
        session.add(table(**{**values, "evaluation": new}))
