"""Publish, update and read the runs of an evaluation: each is published once.

A record is mapped to its row and back field by field, by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import bindparam, delete, func, select

from runner.store.database import Database, as_utc, utc_now
from runner.store.fencing import require_token
from runner.store.records import RunRecord
from runner.store.schema import RunRow
from runner.store.writes.grouped import GroupedWrites
from runner.store.writes.runs import NewRun, RunChange, RunWrite
from runner.verdict import Verdict

_ADAPTER: Final = TypeAdapter(RunRecord)
_FIELDS: Final = tuple(field.name for field in fields(RunRecord))
_DEFAULTS: Final = {
    field.name: field.default
    for field in fields(RunRecord)
    if field.name in RunRow.__table__.columns and RunRow.__table__.columns[field.name].nullable
}
"""What NULL means in a nullable column: earlier versions had no value, and empty text is stored as NULL."""

_RUNS_OF: Final = (
    select(*(RunRow.__table__.columns[name] for name in _FIELDS))
    .where(RunRow.evaluation == bindparam("of"))
    .order_by(RunRow.index)
)
"""The columns of the fields of a record, in their order."""


class RunQueries:
    """The part of the store that publishes and reads runs."""

    database: Database
    run_writes: GroupedWrites[RunWrite, bool]
    """Writes of all threads, grouped into transactions."""

    def publish(self, evaluation: str, run: RunRecord, *, token: int | None = None) -> bool:
        """Publish a run; return False, changing nothing, if it has been published before.

        Raises:
            TakenOverError: its attempt is not the newest, or ``token`` is not that of the lease.
        """
        return self.run_writes(
            NewRun(
                evaluation=evaluation,
                index=run.index,
                attempt=run.attempt,
                token=token,
                values=_to_values(evaluation, run, ended=utc_now()),
            )
        )

    def mark_evaluated(
        self, evaluation: str, index: int, *, outputs_sha256: str = "", token: int | None = None
    ) -> None:
        """Record that a run's outputs are on disk, or are about to be renamed into place.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, evaluated=True, outputs_sha256=outputs_sha256 or None)

    def mark_unevaluated(self, evaluation: str, index: int, *, token: int | None = None) -> None:
        """Record that a run's outputs have to be computed again.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, evaluated=False, outputs_sha256=None)

    def reject(self, evaluation: str, index: int, detail: str, *, token: int | None = None) -> None:
        """Change the verdict of a run whose network the evaluator refused to ``bad-checkpoint``.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        self._update_run(evaluation, index, token, verdict=str(Verdict.BAD_CHECKPOINT), detail=detail)

    def _update_run(self, evaluation: str, index: int, token: int | None, **values: Any) -> None:  # noqa: ANN401 - columns
        self.run_writes(RunChange(evaluation=evaluation, index=index, token=token, values=values))

    def withdraw(self, evaluation: str, indices: Sequence[int], *, token: int | None = None) -> None:
        """Delete runs whose files were lost on our side, so that they are executed again.

        Raises:
            TakenOverError: ``token``, if given, is no longer that of the evaluation's lease.
        """
        with self.database.writing() as session:
            require_token(session, evaluation, token)
            session.execute(delete(RunRow).where(RunRow.evaluation == evaluation, RunRow.index.in_(indices)))

    def runs(self, evaluation: str) -> list[RunRecord]:
        """Return the published runs, by index."""
        with self.database.reading() as session:
            rows = session.execute(_RUNS_OF, {"of": evaluation})  # no objects: there are many
            return [_from_row(row) for row in rows]

    def numbers_of_runs(self) -> dict[str, int]:
        """Return how many runs are published, by the evaluation; those without any are missing."""
        query = select(RunRow.evaluation, func.count()).group_by(RunRow.evaluation)
        with self.database.reading() as session:
            return {evaluation: int(number) for evaluation, number in session.execute(query)}

    def last_run_ended(self, evaluation: str) -> datetime | None:
        """Return when the last published run ended; None without any."""
        with self.database.reading() as session:
            moment = session.scalar(select(func.max(RunRow.ended)).where(RunRow.evaluation == evaluation))
            return as_utc(moment) if moment is not None else None


def _to_values(evaluation: str, run: RunRecord, *, ended: datetime) -> dict[str, Any]:
    """Return the columns of a run of ``evaluation``."""
    values: dict[str, Any] = {name: getattr(run, name) for name in _FIELDS}
    values["verdict"] = str(run.verdict)
    for name in _DEFAULTS:
        values[name] = None if values[name] == "" else values[name]
    return {**values, "evaluation": evaluation, "ended": ended}


def _from_row(row: Sequence[Any]) -> RunRecord:
    """Return the record of a row of `_RUNS_OF`.

    Raises:
        ValueError: a value is none that the field can have.
    """
    values: dict[str, Any] = dict(zip(_FIELDS, row, strict=True))
    for name, default in _DEFAULTS.items():
        values[name] = default if values[name] is None else values[name]
    return _ADAPTER.validate_python(values)
