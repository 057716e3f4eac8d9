"""The values that the store takes and gives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from runner.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as it is to be published, or was."""

    index: int
    seed: int
    attempt: int
    verdict: Verdict
    detail: str
    host_seconds: float
    run_seconds: float
    checkpoint_sha256: str
    log_bytes_dropped: int
    exception_type: str = ""
    evaluated: bool = False
    outputs_sha256: str = ""
    """Of the file of its outputs; empty before they are on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """What identifies an evaluation."""

    id: str
    submission_sha256: str
    submission: str
    archive_bytes: int
    challenge: str
    challenge_sha256: str
    image: str
    n: int
    challenge_folder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """A container that was launched, and what came of it."""

    number: int
    begun: datetime
    ended: datetime | None
    outcome: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedCheckpoints:
    """Checkpoints of one evaluation that equal another submission's."""

    evaluation: str
    submission: str
    digests: frozenset[str]
    """Of these checkpoints."""
