"""What a program is told before it starts: the job and the data that follow it.

Both sides write and read jobs as JSON; unknown or missing names are errors. Standard
library only, because the host builds these values too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

READERS_GID = 1_999
"""The group that may read the dynamic loader (`sandbox.worker.unreadable`)."""

FILE_ARCHITECTURE = "file"
"""The name of an architecture that is an organizer's own module: its text comes with the job."""

ARCHITECTURE_BYTES = 1 << 20
"""How long that text may be."""

ORIGINAL = -1
"""Stands for the original network where references are told apart by number."""


class _Job:
    __slots__ = ()

    def to_json(self) -> bytes:
        """Return the job as the payload of a ``job`` frame."""
        return json.dumps(asdict(self), sort_keys=True).encode()  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: names are missing or unknown.
        """
        found: dict[str, Any] = json.loads(data)
        wanted = {item.name for item in fields(cls)}  # type: ignore[arg-type]
        if not isinstance(found, dict):
            raise ValueError(f"{cls.__name__}: it is no object")
        if found.keys() != wanted:
            raise ValueError(f"{cls.__name__}: {sorted(found.keys() ^ wanted)} missing or unknown")
        return cls(**found)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerJob(_Job):
    """How a worker is to do its runs."""

    architecture: str
    classes: int
    item_format: str
    batch_size: int
    device: str
    concurrency: int
    threads: int
    """Threads of torch in each run."""
    runs: int
    """How many runs will follow at most; decides whether start-up work pays."""
    first_uid: int
    """Run i gets uid and gid ``first_uid + i``."""
    first_slot_gid: int
    """Slot s gets ``first_slot_gid + s`` and owns ``/scratch/s``."""
    wall_seconds: float
    checkpoint_bytes: int
    log_bytes: int
    processes: int
    architecture_source: str | None = None
    """The text of the module, where the architecture is `FILE_ARCHITECTURE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorJob(_Job):
    """How an evaluator is to read checkpoints."""

    architecture: str
    classes: int
    device: str
    architecture_source: str | None = None
    """The text of the module, where the architecture is `FILE_ARCHITECTURE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerJob(_Job):
    """What a trainer is to build."""

    recipe: str
    seed: int
    forget_fraction: float
    references: int
    groups_done: list[int]
    """First reference of each group that the host has already."""
    skip_original: bool
    """Whether the host has the splits and the original model already."""
    device: str
    processes: int
    data_files: int
    """How many ``data`` frames follow: the organizer's files, by name."""
    most_examples: int | None
    architecture: str | None
    """In place of the recipe's own choice, as are the next two."""
    training: dict[str, Any]
    """A choice as `sandbox.protocol.presets.resolve_preset` takes it; may be empty."""
    epochs: int | None
    """In place of what the training says."""
    shared_persons: bool = False
    """Whether a person may be in several splits; never in both retain and forget."""
    architecture_source: str | None = None
    """The text of the module, where the architecture is `FILE_ARCHITECTURE`."""
    group_size: int | None = None
    """How many references are trained as one: what a build was begun with, or None to choose."""
    snapshots: list[int] = field(default_factory=list)
    """What an interrupted build had begun to train, by first reference or `ORIGINAL`: a ``snapshot`` frame or
    more of each follows the data."""
    snapshot_seconds: float = 60.0
    """How long a training goes on at least between two snapshots."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingJob(_Job):
    """What a trainer is to time, without building anything: retain and val follow."""

    architecture: str
    classes: int
    training: dict[str, Any]
    """All fields of `sandbox.protocol.presets.Preset`."""
    device: str
    threads: int
    """Threads of torch, as each run starts with."""
    portions: int
    """How often to time some epochs; the median counts."""
    architecture_source: str | None = None
    """The text of the module, where the architecture is `FILE_ARCHITECTURE`."""
