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

from pydantic import TypeAdapter


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


_ADAPTER: Final = TypeAdapter(StoredEvaluation)


def evaluation_from_row(row: Mapping[str, Any]) -> StoredEvaluation:
    """Return the evaluation in a row, by the names of the columns.

    Raises:
        ValueError: a value is of another type than the column's.
        TypeError: the same.
        RecursionError: the summary is nested too deeply.
    """
    begun, folder, summary = row["begun"], row["challenge_folder"], row["summary"]
    moment = begun if isinstance(begun, datetime) else datetime.fromisoformat(begun)
    names = (
        "id",
        "submission",
        "submission_sha256",
        "challenge",
        "challenge_sha256",
        "image",
        "n",
        "seconds",
    )
    return _ADAPTER.validate_python(
        {
            **{name: row[name] for name in names},
            "challenge_folder": Path(folder) if folder else None,
            "started_at": moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC),
            "summary": json.loads(summary) if summary else None,
            "manifest_sha256": row["manifest_sha256"],
        }
    )
