"""The records that the store takes and returns.

`RunRecord` is the only list of a run's stored fields: rows of the database, the manifest and ``unlearn show
--json`` are mapped from it by name. To add a figure of a run, add a field with a default here and a nullable
column of the same name in `runner.store.schema`, set it in `runner.evaluation.publisher` from the
`runner.clients.runs.EndedRun`, and show it in `runner.reports.runs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from runner.validation import Sha256
from runner.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run, before or after it is published."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    index: Annotated[int, Field(ge=0)]
    """From 0 to n - 1."""
    seed: int
    """Of the random number generators of the run."""
    attempt: int
    """Number of the attempt that executed it; 0 for a run that was never started."""
    verdict: Verdict
    """How it ended."""
    detail: str
    """The verdict explained in a sentence; untrusted, sanitized."""
    host_seconds: float
    """By the host's clock, from the request to the end of the run."""
    run_seconds: float
    """By the supervisor's clock; 0 where it reported none."""
    peak_memory_bytes: Annotated[int, Field(ge=0)] | None = None
    """The most that it was seen to use; None if it was not seen, or was executed by an earlier version."""
    processor_seconds: Annotated[float, Field(ge=0)] | None = None
    """Processor time of all its processes, counted by the control group of its container; None if it was not
    counted, or was executed by an earlier version."""
    setup_seconds: Annotated[float, Field(ge=0)] | None = None
    """What setting it up on a GPU took, before its own time began; None on the CPU."""
    node: str = ""
    """Name of the machine that executed it, which only organizers see; empty if no machine did, or an earlier
    version."""
    device_class: str = ""
    """Class of its device there: ``cpu``, or ``cuda:`` and a model or UUID; empty as ``node``."""
    checkpoint_sha256: Sha256 | Literal[""]
    """Of names and values, whatever their order in the file; empty without a checkpoint."""
    log_bytes_dropped: int
    """Left out of its log."""
    exception_type: str = ""
    """As the submission named it: untrusted, sanitized."""
    evaluated: bool = False
    """Whether its outputs are on disk."""
    outputs_sha256: Sha256 | Literal[""] = ""
    """Of the file of its outputs; empty before they are on disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRecord:
    """What retraining takes where the runs were executed, and how much of it they may take."""

    seconds: float | None = None
    """By the clock; None if it is not known."""
    processor_seconds: float | None = None
    """Processor time, timed before the runs; None if it is not known."""
    processor_seconds_again: float | None = None
    """Processor time, timed again after runs that looked too slow; None if it was not."""
    empty_run_processor_seconds: float | None = None
    """Processor time of a run that does nothing; None if it is not known."""
    fraction: float | None = None
    """What the challenge allows; None if it states nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRecord:
    """What identifies an evaluation."""

    id: str
    submission_sha256: str
    submission: str
    """The submission's name."""
    archive_bytes: int
    challenge: str
    """The challenge's name."""
    challenge_sha256: str
    image: str
    """Digest of the image."""
    n: int
    """How many runs it has."""
    challenge_folder: str | None = None
    parent: str | None = None
    """The evaluation of which this is the part on a control problem."""


class ShownTerms(BaseModel):
    """What reports show of an evaluation's terms; `runner.time_limits.terms` has all of them."""

    wall_seconds: float
    total_seconds: float | None
    wall_fraction: float | None
    retrain_seconds: float | None
    feedback: Literal["full", "verdict-only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """A container that was launched for an evaluation, and how the attempt ended."""

    number: int
    begun: datetime
    ended: datetime | None
    outcome: str | None
    device: str | None = None
    """On which its runs are executed; None in evaluations of earlier versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedCheckpoints:
    """Checkpoints of one evaluation that equal another submission's."""

    evaluation: str
    submission: str
    digests: frozenset[str]
    """Of these checkpoints."""
