"""The runs of an evaluation, as the store keeps them: each is published once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, select, update

from runner.errors import TakenOverError
from runner.store.database import Database
from runner.store.fencing import newest_attempt_query, require_token
from runner.store.records import RunRecord
from runner.store.schema import RunRow
from runner.store.times import utc_now
from runner.verdict import Verdict


class RunQueries:
    """The part of the store that keeps runs."""

    database: Database

    def publish(self, evaluation: str, run: RunRecord, *, token: int | None = None) -> bool:
        """Publish a run; return False, changing nothing, if it has been published before.

        Raises:
            TakenOverError: its attempt is not the newest, or ``token`` is not that of the lease.
        """
        row = RunRow(
            evaluation=evaluation,
            index=run.index,
            seed=run.seed,
            attempt=run.attempt,
            verdict=str(run.verdict),
            detail=run.detail,
            host_seconds=run.host_seconds,
            run_seconds=run.run_seconds,
            checkpoint_sha256=run.checkpoint_sha256,
            log_bytes_dropped=run.log_bytes_dropped,
            exception_type=run.exception_type or None,
            evaluated=run.evaluated,
            outputs_sha256=run.outputs_sha256 or None,
            ended=utc_now(),
        )
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            newest = session.scalar(newest_attempt_query(evaluation))
            if newest is not None and 0 < run.attempt < newest:
                raise TakenOverError(
                    f"Attempt {run.attempt} of evaluation {evaluation} is not the newest any more; "
                    "what it brought late is not kept."
                )
            if session.get(RunRow, (evaluation, run.index)) is not None:
                return False
            session.add(row)
        return True

    def mark_evaluated(
        self, evaluation: str, index: int, *, outputs_sha256: str = "", token: int | None = None
    ) -> None:
        """Note that a run's outputs are on disk, or are put there next.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, evaluated=True, outputs_sha256=outputs_sha256 or None)

    def mark_unevaluated(self, evaluation: str, index: int, *, token: int | None = None) -> None:
        """Note that a run's outputs are to be computed anew.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, evaluated=False, outputs_sha256=None)

    def reject(self, evaluation: str, index: int, detail: str, *, token: int | None = None) -> None:
        """Turn the verdict of a run whose network answers nonsense into ``bad-checkpoint``.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, verdict=str(Verdict.BAD_CHECKPOINT), detail=detail)

    def _update_run(self, evaluation: str, index: int, token: int | None, **values: Any) -> None:  # noqa: ANN401 - columns
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            session.execute(
                update(RunRow).where(RunRow.evaluation == evaluation, RunRow.index == index).values(**values)
            )

    def withdraw(self, evaluation: str, indices: Sequence[int], *, token: int | None = None) -> None:
        """Forget runs whose files were lost on our side, so that they are done again.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            session.execute(delete(RunRow).where(RunRow.evaluation == evaluation, RunRow.index.in_(indices)))

    def runs(self, evaluation: str) -> list[RunRecord]:
        """Return the published runs, by index."""
        with self.database.reading() as session:
            rows = session.scalars(
                select(RunRow).where(RunRow.evaluation == evaluation).order_by(RunRow.index)
            ).all()
            return [
                RunRecord(
                    index=row.index,
                    seed=row.seed,
                    attempt=row.attempt,
                    verdict=Verdict(row.verdict),
                    detail=row.detail,
                    host_seconds=row.host_seconds,
                    run_seconds=row.run_seconds,
                    checkpoint_sha256=row.checkpoint_sha256,
                    log_bytes_dropped=row.log_bytes_dropped,
                    exception_type=row.exception_type or "",
                    evaluated=row.evaluated,
                    outputs_sha256=row.outputs_sha256 or "",
                )
                for row in rows
            ]
