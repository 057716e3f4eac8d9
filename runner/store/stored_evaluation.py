"""An evaluation as the store has it: a file of its own, since `unlearn list` needs no other record.

Its rows are read here only, whatever reads the database. So are the times and types of any row: not by
pydantic, whose import takes longer than the rest of `unlearn list`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvaluation:
    """An evaluation as the store has it."""

    id: str
    submission: str
    submission_sha256: str
    challenge: str
    challenge_sha256: str
    challenge_folder: Path | None
    """Where the challenge was when the evaluation started; it may have moved since."""
    image: str
    """Digest of the image that its runs need."""
    n: int
    started_at: datetime
    seconds: float
    """Wall time spent on it, over all commands."""
    summary: Mapping[str, Any] | None
    """As stored; None while it has not ended."""
    manifest_sha256: str | None
    parent: str | None = None
    """The evaluation of which this is the part on a control problem."""


_TEXTS: Final = ("id", "submission", "submission_sha256", "challenge", "challenge_sha256", "image")


def evaluation_from_row(row: Mapping[str, Any]) -> StoredEvaluation:
    """Return the evaluation in a row, by the names of the columns.

    Raises:
        ValueError: a value is of another type than the column's.
        TypeError: the same.
        RecursionError: the summary is nested too deeply.
    """
    folder = row["challenge_folder"]
    summary = json.loads(row["summary"]) if row["summary"] else None
    require_types(
        row,
        (_TEXTS, (str,)),
        (("n",), (int,)),
        (("seconds",), (int, float)),
        (("manifest_sha256", "challenge_folder", "parent"), (str, type(None))),
    )
    if summary is not None and not isinstance(summary, dict):
        raise TypeError("summary must be an object")
    return StoredEvaluation(
        **{name: row[name] for name in _TEXTS},
        n=row["n"],
        seconds=float(row["seconds"]),
        challenge_folder=Path(folder) if folder else None,
        started_at=stored_time(row["begun"]),
        summary=summary,
        manifest_sha256=row["manifest_sha256"],
        parent=row["parent"],
    )


def require_types(row: Mapping[str, Any], *columns: tuple[Sequence[str], tuple[type, ...]]) -> None:
    """Require the types of a row's values, which SQLite does not.

    Args:
        row: By the names of the columns.
        columns: Names of columns, with the types that their values may have.

    Raises:
        TypeError: a value is of another type.
    """
    for names, types in columns:
        for name in names:
            if type(row[name]) not in types:
                raise TypeError(f"{name} must not be of type {type(row[name]).__name__}")


def stored_time(value: datetime | str) -> datetime:
    """Return a time with its zone, which SQLite does not store.

    Raises:
        ValueError: it is no time.
        TypeError: it is neither text nor a time.
    """
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
