"""What a run may use, as a challenge says it. Every limit is a positive, finite number.

The time of a run is said in seconds, or as a fraction of what retraining takes on the machine
that does the run: `effective` turns the second form into the first.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, model_validator

from runner.errors import ConfigurationError
from runner.units import MIB

MAX_WALL_SECONDS: Final = 1_000_000.0
"""Of a run: eleven days. Whoever waits for a socket waits at most twice as long (2^31 ms)."""

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0, le=1 << 50)]
Count = Annotated[int, Field(gt=0, le=1 << 20)]

MIN_WALL_SECONDS: Final = 1.0
"""What a fraction of retraining comes to at least: a run also imports, forks and saves, which a
challenge that retrains in a second would leave no time for."""

_WALL_SECONDS: Final = 60.0
_ONE_OF_TWO: Final = "give either wall_seconds or wall_fraction, and not both"


class Limits(BaseModel):
    """What one run may use before it is ended; shared by runs that go on together where said."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    wall_seconds: Annotated[float, Field(gt=0, le=MAX_WALL_SECONDS, allow_inf_nan=False)] | None = None
    """From the `run` frame to the last byte of its checkpoint, by the host's clock. None where
    ``wall_fraction`` is given; 60 where neither is."""

    wall_fraction: Annotated[float, Field(gt=0, le=100, allow_inf_nan=False)] | None = None
    """The same as a fraction of the time that retraining takes on the machine that does the run."""

    total_seconds: Seconds | None = None
    """What all runs of an evaluation may take together, by the host's clock: once it is used up no
    further run is started. None: the limits of the runs are all that bounds an evaluation."""

    memory_bytes: Bytes = 2048 * MIB
    """Memory for each run going on; swap is off, so that reaching it means being killed."""

    processes: Count = 256
    """Processes and threads of one run."""

    cpus: Annotated[float, Field(gt=0, le=1024, allow_inf_nan=False)] = 2.0
    """Cores that the runs going on share."""

    concurrency: Annotated[int, Field(gt=0, le=64)] = 2
    """Runs going on at once."""

    shared_memory_bytes: Bytes = 256 * MIB
    """Size of /dev/shm, for all runs going on."""

    scratch_bytes: Bytes = 512 * MIB
    """Size of a run's own scratch folder, and of /tmp."""

    scratch_inodes: Count = 20_000
    """Files and folders in a run's own scratch folder, and in /tmp."""

    log_bytes: Annotated[int, Field(ge=4096, le=1 << 28)] = 128 << 10
    """What is kept of one run's stdout and stderr; the rest is counted."""

    @model_validator(mode="before")
    @classmethod
    def _time_is_said_once(cls, said: Any) -> Any:  # noqa: ANN401 - whatever there is to validate
        if not isinstance(said, dict):
            return said
        seconds, fraction = said.get("wall_seconds"), said.get("wall_fraction")
        if seconds is not None and fraction is not None:
            raise ValueError(_ONE_OF_TWO)
        return {**said, "wall_seconds": _WALL_SECONDS} if seconds is None and fraction is None else said

    def in_force(self) -> float:
        """Return the seconds that a run may take.

        Raises:
            ConfigurationError: they are a fraction of a time that is not known yet; see `effective`.
        """
        if self.wall_seconds is None:
            raise ConfigurationError("The time limit is a fraction of retraining, which was not measured.")
        return self.wall_seconds

    @property
    def threads(self) -> int:
        """Return the threads of torch that each run starts with."""
        return max(1, int(self.cpus // self.concurrency))


def effective(limits: Limits, retrain_seconds: float | None) -> Limits:
    """Return the limits with the time of a run in seconds: from `MIN_WALL_SECONDS` to `MAX_WALL_SECONDS`.

    Limits that say it in seconds come back as they are.

    Raises:
        ConfigurationError: a fraction is asked for and the retrain time is missing or no time.
    """
    if limits.wall_fraction is None:
        return limits
    if retrain_seconds is None or not (math.isfinite(retrain_seconds) and retrain_seconds > 0):
        raise ConfigurationError("The time limit is a fraction of retraining, which was not measured.")
    seconds = min(MAX_WALL_SECONDS, max(MIN_WALL_SECONDS, limits.wall_fraction * retrain_seconds))
    return limits.model_copy(update={"wall_seconds": seconds, "wall_fraction": None})
