"""Refuse writes of a process that was superseded: by a newer attempt, or by a new holder of the lease."""

from __future__ import annotations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from runner.errors import TakenOverError
from runner.store.schema import AttemptRow, LeaseRow


def newest_attempt_query(evaluation: str) -> Select[int]:
    """Return the query for the number of an evaluation's newest attempt."""
    return select(func.max(AttemptRow.number)).where(AttemptRow.evaluation == evaluation)


def taken_over_error(evaluation: str, *, by: str = "") -> TakenOverError:
    """Return the error of a process whose lease on ``evaluation`` went to the holder ``by``."""
    holder = f" by {by}" if by else ""
    return TakenOverError(
        f"Evaluation {evaluation} was taken over{holder} while this process was suspended; "
        "it stops here, and nothing was overwritten."
    )


def require_token(session: Session, evaluation: str, token: int | None) -> None:
    """Refuse a writer that has lost the lease; the row stays locked until the transaction ends.

    Raises:
        TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
    """
    if token is None:
        return
    row = session.get(LeaseRow, evaluation, with_for_update=True)
    if row is None or row.token != token:
        raise taken_over_error(evaluation, by=row.holder if row is not None else "")
