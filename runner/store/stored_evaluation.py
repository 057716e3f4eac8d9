"""An evaluation as the store has it: a file of its own, since `unlearn list` needs no other record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any


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
