"""An evaluation as the store has it: a file of its own, since `unlearn list` needs no other record.

Its rows are read here only, whatever reads the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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


_TEXTS: Final = ("id", "submission", "submission_sha256", "challenge", "challenge_sha256", "image")


def evaluation_from_row(row: Mapping[str, Any]) -> StoredEvaluation:
    """Return the evaluation in a row, by the names of the columns.

    The types are checked here and not by pydantic, whose import takes longer than the rest of `unlearn list`.

    Raises:
        ValueError: a value is of another type than the column's.
        TypeError: the same.
        RecursionError: the summary is nested too deeply.
    """
    begun, folder = row["begun"], row["challenge_folder"]
    moment = begun if isinstance(begun, datetime) else datetime.fromisoformat(begun)
    summary = json.loads(row["summary"]) if row["summary"] else None
    for names, types in (
        (_TEXTS, (str,)),
        (("n",), (int,)),
        (("seconds",), (int, float)),
        (("manifest_sha256", "challenge_folder"), (str, type(None))),
    ):
        for name in names:
            if type(row[name]) not in types:
                raise TypeError(f"{name} must not be of type {type(row[name]).__name__}")
    if summary is not None and not isinstance(summary, dict):
        raise TypeError("summary must be an object")
    return StoredEvaluation(
        **{name: row[name] for name in _TEXTS},
        n=row["n"],
        seconds=float(row["seconds"]),
        challenge_folder=Path(folder) if folder else None,
        started_at=moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC),
        summary=summary,
        manifest_sha256=row["manifest_sha256"],
    )
