"""Who may still write: the newest attempt, the holder of the lease. Also what time it is."""

from __future__ import annotations

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from runner.errors import TakenOverError
from runner.store.schema import AttemptRow, LeaseRow


def newest_attempt_query(evaluation: str) -> Select[int]:
    """Return the question for the number of an evaluation's newest attempt."""
    return select(func.max(AttemptRow.number)).where(AttemptRow.evaluation == evaluation)


def require_token(session: Session, evaluation: str, token: int | None) -> None:
    """Refuse who has lost the lease; databases with several writers keep it as it is meanwhile.

    Raises:
        TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
    """
    if token is None:
        return
    row = session.get(LeaseRow, evaluation, with_for_update=True)
    if row is None or row.token != token:
        by = f" by {row.holder}" if row is not None and row.holder else ""
        raise TakenOverError(
            f"Evaluation {evaluation} was taken over{by} while this process stood still; "
            "it stops here, and nothing was overwritten."
        )
