"""The records of leaderboards: what they need of an evaluation without reading its files again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoredConditions(_Record):
    """Under which conditions an evaluation was executed and scored, from its manifest and its score card."""

    image: str
    """Digest of the image's configuration, or of its inputs where the engine did not report one."""
    isolation: str
    """How runs are kept apart."""
    runtime: str
    """Container runtime."""
    device: str
    """Device of the runs."""
    limits: str
    """Limits of a run, apart from its time, as JSON."""
    scorer: int | None
    """Version of the scorer; None without a score card."""


class StoredHalves(_Record):
    """The score of an evaluation on random halves of its runs and of the references."""

    value: FiniteFloat
    """Score from all runs."""
    halves: Annotated[list[tuple[FiniteFloat, FiniteFloat]], Field(min_length=2)]
    """Scores from both halves, for each halving."""


class StoredVerification(_Record):
    """The last time that an evaluation was verified."""

    verified_at: datetime
    """When."""
    reruns: Annotated[int, Field(ge=0)]
    """How many runs were executed again."""
    mismatches: Annotated[int, Field(ge=0)]
    """How many values did not match."""
