"""Limits of a run, as a challenge states them; every limit is a positive, finite number.

The time limit of a run is stated in seconds, or as a fraction of the time that retraining takes on the
machine that executes the run; `runner.time_limits.policy.wall_seconds` returns the seconds in either case.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from runner.parsers.zip_archive import MAX_ARCHIVE_BYTES
from runner.units import KIB, MIB

MAX_WALL_SECONDS: Final = 1_000_000.0
"""Maximum time limit of a run: eleven days. Sockets are waited on for up to twice as long, and can be for
2^31 ms."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0, le=1 << 50)]
Count = Annotated[int, Field(gt=0, le=1 << 20)]


MIN_SUBMISSION_BYTES: Final = KIB
DEFAULT_SUBMISSION_BYTES: Final = 256 * KIB
"""What a new challenge allows unless half a checkpoint is more."""

CONTEST_FRACTION: Final = 0.2
"""The contest rejected entries that took more of the time of retraining."""
SHORT_TRAINING_FRACTION: Final = 0.65
"""Of a training of few epochs, some epochs of fine-tuning are more than a fifth. docs/metrics.md has what
sample submissions take, and retraining."""
LONG_TRAINING_EPOCHS: Final = 30
"""As many as the contest's networks were trained for."""

DEFAULT_WALL_SECONDS: Final = 60.0
DEFAULT_WALL_FRACTION: Final = 2 * CONTEST_FRACTION
"""The default time limit where retraining takes minutes. The clock counts what other work on the machine does
to a run, so it is more than what is flagged as too slow."""
TIME_FIELDS: Final = ("wall_seconds", "wall_fraction")


class Limits(BaseModel):
    """Resources that one run may use before it is ended; runs in progress share some of them."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    wall_seconds: Annotated[float, Field(gt=0, le=MAX_WALL_SECONDS, allow_inf_nan=False)] | None = None
    """From the start of a run to the last byte of its result, by the host's clock. None where
    ``wall_fraction`` is given; 60 where neither is."""

    wall_fraction: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    """Time limit of a run as a fraction of the time that retraining takes on the machine that executes it."""

    total_seconds: Seconds | None = None
    """Time for all runs of an evaluation together, by the host's clock: once it is used up no
    further run is started. None: only the limits of the runs bound an evaluation."""

    memory_bytes: Bytes = 2048 * MIB
    """Memory for each run in progress; swap is off, so that a run which reaches it is killed."""

    processes: Count = 256
    """Processes and threads of one run."""

    cpus: Annotated[float, Field(gt=0, le=1024, allow_inf_nan=False)] = 2.0
    """Cores that the runs in progress share."""

    concurrency: Annotated[int, Field(gt=0, le=64)] = 2
    """Runs in progress at once, each in a container that it shares with no other."""

    shared_memory_bytes: Bytes = 256 * MIB
    """Size of a run's own /dev/shm."""

    scratch_bytes: Bytes = 512 * MIB
    """Size of a run's own scratch folder, and of its own /tmp."""

    scratch_inodes: Count = 20_000
    """Files and folders in a run's own scratch folder, and in its own /tmp."""

    log_bytes: Annotated[int, Field(ge=4096, le=1 << 28)] = 128 << 10
    """Bytes stored of one run's stdout and stderr; the rest is only counted."""

    submission_bytes: Annotated[int, Field(ge=MIN_SUBMISSION_BYTES, le=MAX_ARCHIVE_BYTES)] | None = None
    """Maximum size of a submission: of its zip archive, or of the files of a folder, which are not
    compressed. Missing in files of earlier versions: 100 MiB."""

    retraining_fraction: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    """Fraction of retraining that a run may use before the score card flags it as `too-slow`: of processor
    time, or by the clock where that is not known. It ends no run. Missing in files of earlier versions: a
    fifth by the clock, which is a note where retraining takes less than 5 s."""

    @model_validator(mode="before")
    @classmethod
    def _check_time_limit(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic passes any input
        if not isinstance(values, dict):
            return values
        stated = [name for name in TIME_FIELDS if values.get(name) is not None]
        if len(stated) == len(TIME_FIELDS):
            raise ValueError("give either wall_seconds or wall_fraction, and not both")
        return values if stated else {**values, "wall_seconds": DEFAULT_WALL_SECONDS}

    def with_changes(self, **changes: Any) -> Self:  # noqa: ANN401 - validated like any other input
        """Return limits in which some values are replaced.

        A time limit in ``changes`` replaces the present one, whichever of its two forms either has.

        Raises:
            ValidationError: a value is not valid, or ``changes`` state the time limit twice.
        """
        values = self.model_dump()
        if any(changes.get(name) is not None for name in TIME_FIELDS):
            values = {name: value for name, value in values.items() if name not in TIME_FIELDS}
        return self.model_validate({**values, **changes})

    def of_one_run(self) -> Self:
        """Return the limits of a container in which one run at a time goes on: its share of the cores."""
        return self.with_changes(concurrency=1, cpus=self.cpus / self.concurrency)

    def with_default_submission_bytes(self, checkpoint_bytes: int) -> Self:
        """Return limits with a limit of submissions: half a checkpoint, at least 256 KiB, if they have none.

        Less than a checkpoint, so that a network trained at home does not fit in. Small networks do.
        """
        if self.submission_bytes is not None:
            return self
        least = max(DEFAULT_SUBMISSION_BYTES, checkpoint_bytes // 2)
        return self.with_changes(submission_bytes=min(MAX_ARCHIVE_BYTES, least))

    def with_default_retraining_fraction(self, epochs: int) -> Self:
        """Return limits with a fraction of retraining, if they have none: the contest's for long trainings.

        Args:
            epochs: Of the training of the challenge's networks.
        """
        if self.retraining_fraction is not None:
            return self
        is_long = epochs >= LONG_TRAINING_EPOCHS
        return self.with_changes(retraining_fraction=CONTEST_FRACTION if is_long else SHORT_TRAINING_FRACTION)

    @property
    def threads(self) -> int:
        """Return the threads of torch that each run starts with."""
        return max(1, int(self.cpus // self.concurrency))


def _require_time_limit(values: object) -> object:
    if isinstance(values, dict) and not values.keys() & set(TIME_FIELDS):
        raise ValueError("give either wall_seconds or wall_fraction")
    return values


StatedLimits = Annotated[Limits, BeforeValidator(_require_time_limit)]
"""Limits in a file: their time limit must be stated, for no default would be visible there."""
