"""A run before and after a worker executes it."""

from __future__ import annotations

from dataclasses import dataclass

from runner.verdict import Judgement, Observation


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run that is to be executed."""

    index: int
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that has ended, successfully or not."""

    index: int
    judgement: Judgement
    checkpoint: bytes
    """Checked; empty unless the verdict is ``ok``."""
    host_seconds: float
    run_seconds: float
    """By the supervisor's clock; 0 where it did not report any."""
    peak_memory_bytes: int | None = None
    """The most that it was seen to use, beyond what its container used before; None if it was not seen."""
    processor_seconds: float | None = None
    """Processor time of all its processes, from its fork to the end of its clean-up; None if that is not known."""
    setup_seconds: float | None = None
    """What setting it up on a GPU took, before its own time began; None on the CPU."""
    log: bytes
    log_bytes_dropped: int
    traceback: str
    observation: Observation
    """What the judgement is based on."""
    exception_type: str = ""
    """The name that the run reported: untrusted."""
