"""TODO runner.clients.runs."""

from __future__ import annotations

from dataclasses import dataclass

from runner.verdict import Judgement, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run to be done."""

    index: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that has ended, one way or another."""

    index: int
    judgement: Judgement
    checkpoint: bytes
    """Checked; empty unless the verdict is ``ok``."""
    host_seconds: float
    run_seconds: float
    """By the supervisor's clock; 0 where it did not say."""
    log: bytes
    log_bytes_dropped: int
    traceback: str
    seen: Observation
    """What the judgement rests on."""
    exception_type: str = ""
    """As the run named it: untrusted."""
