"""What a run may use, as a challenge says it. Every limit is a positive, finite number."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bytes = Annotated[int, Field(gt=0, le=1 << 50)]
Count = Annotated[int, Field(gt=0, le=1 << 20)]

MIB = 1 << 20


class Limits(BaseModel):
    """What one run may use before it is ended; shared by runs that go on together where said."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    wall_seconds: Seconds = 60.0
    """From the `run` frame to the last byte of its checkpoint, by the host's clock."""

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

    @property
    def threads(self) -> int:
        """Return the threads of torch that each run starts with."""
        return max(1, int(self.cpus // self.concurrency))
