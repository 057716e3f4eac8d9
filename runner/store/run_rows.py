"""Map a run's record to its row in the database and back, field by field, by name."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from runner.store.records import RunRecord
from runner.store.schema import RunRow
from runner.verdict import Verdict

_FIELDS: Final = tuple(field.name for field in fields(RunRecord))
_NULLABLE: Final = frozenset(
    column.name for column in RunRow.__table__.columns if column.nullable and column.name in _FIELDS
)
"""Columns in which an empty text is stored as NULL, as earlier versions did."""


def to_row(evaluation: str, run: RunRecord, *, ended: datetime) -> RunRow:
    """Return the row of a run of ``evaluation``."""
    values: dict[str, Any] = {name: getattr(run, name) for name in _FIELDS}
    values["verdict"] = str(run.verdict)
    for name in _NULLABLE:
        values[name] = values[name] or None
    return RunRow(evaluation=evaluation, ended=ended, **values)


def from_row(row: RunRow) -> RunRecord:
    """Return the record of a row."""
    values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
    values["verdict"] = Verdict(row.verdict)
    for name in _NULLABLE:
        values[name] = values[name] or ""
    return RunRecord(**values)
