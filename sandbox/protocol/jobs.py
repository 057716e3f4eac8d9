"""Jobs: the instructions that a worker, an evaluator or a trainer receives first.

Both sides write and read jobs as JSON; unknown or missing names are errors. The attribute names
are the JSON keys, which images built earlier must understand. Standard library only, because the
host builds these values too.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

READERS_GID = 1_999
"""The group that may read the dynamic loader (`sandbox.worker.unreadable`)."""

NO_CORE_BYTES = 1
"""The limit of core dumps. Where crashes go to a program of the host (`core_pattern` begins with ``|``),
0 is no limit: the kernel starts it, as root, for each crash. At 1 it does not."""

FILE_ARCHITECTURE = "file"
"""The name of an architecture that is an organizer's own module, whose source is part of the job."""

ARCHITECTURE_BYTES = 1 << 20
"""The maximum length of that source."""

ORIGINAL = -1
"""Stands for the original network where references are identified by number."""


class _Job:
    __slots__ = ()

    later_fields: ClassVar[frozenset[str]] = frozenset()
    """Fields that earlier images do not know: left out where they are None."""

    def to_json(self) -> bytes:
        """Return the job as the payload of a ``job`` frame."""
        values = asdict(self)  # type: ignore[call-overload]
        sent = {
            name: value
            for name, value in values.items()
            if value is not None or name not in self.later_fields
        }
        return json.dumps(sent, sort_keys=True).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Return the job that `to_json` wrote.

        Raises:
            ValueError: names are missing or unknown.
        """
        values: dict[str, Any] = json.loads(data)
        names = {item.name for item in fields(cls)}  # type: ignore[arg-type]
        if not isinstance(values, dict):
            raise ValueError(f"{cls.__name__}: not a JSON object")
        if (values.keys() | cls.later_fields) != names:
            raise ValueError(f"{cls.__name__}: {sorted(values.keys() ^ names)} missing or unknown")
        return cls(**values)


GPU_SETUP_SECONDS = 60.0
"""How long a run on a GPU may take until its context is made, before its own time begins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerJob(_Job):
    """The job of a worker: how to execute the runs."""

    architecture: str
    classes: int
    item_format: str
    batch_size: int
    device: str
    concurrency: int
    """Runs at a time: 1. Earlier images are sent the same, though they can execute several."""
    threads: int
    """Torch threads in each run."""
    runs: int
    """The maximum number of runs that will follow; decides whether start-up work pays off."""
    first_uid: int
    """Run i gets uid and gid ``first_uid + i``."""
    first_slot_gid: int
    """The group of slot s is ``first_slot_gid + s``; it owns ``/scratch/s``."""
    wall_seconds: float
    """The time limit of a run: from its start, or on a GPU from when it is set up (``started``)."""
    checkpoint_bytes: int
    log_bytes: int
    processes: int
    architecture_source: str | None = None
    """The source of the module, if the architecture is `FILE_ARCHITECTURE`."""

    @property
    def setup_seconds(self) -> float:
        """Return how long a run may take to be set up, before its own time begins; 0 on the CPU."""
        return 0.0 if self.device == "cpu" else GPU_SETUP_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatorJob(_Job):
    """The job of an evaluator: how to load checkpoints."""

    later_fields: ClassVar[frozenset[str]] = frozenset({"probes"})

    architecture: str
    classes: int
    device: str
    architecture_source: str | None = None
    """The source of the module, if the architecture is `FILE_ARCHITECTURE`."""
    probes: dict[str, Any] | None = None
    """The fields of a `sandbox.protocol.probes.ProbePlan`; None if no probes are recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShellJob(_Job):
    """What an interactive Python has at hand."""

    architecture: str
    classes: int
    item_format: str
    batch_size: int
    architecture_source: str | None = None
    """The source of the module, if the architecture is `FILE_ARCHITECTURE`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerJob(_Job):
    """The job of a trainer that builds a challenge."""

    later_fields: ClassVar[frozenset[str]] = frozenset({"probes", "mislabelled"})

    recipe: str
    seed: int
    forget_fraction: float
    references: int
    groups_done: list[int]
    """The first reference of each group that the host already has."""
    skip_original: bool
    """Whether the host already has the splits and the original model."""
    device: str
    processes: int
    data_files: int
    """The number of ``data`` frames that follow: the organizer's files, by name."""
    most_examples: int | None
    architecture: str | None
    """Replaces the recipe's own choice, as do the next two."""
    training: dict[str, Any]
    """A choice as `sandbox.protocol.presets.resolve_preset` accepts it; may be empty."""
    epochs: int | None
    """Replaces the number of epochs in the training choice."""
    shared_persons: bool = False
    """Whether a person may be in several splits; never in both retain and forget."""
    architecture_source: str | None = None
    """The source of the module, if the architecture is `FILE_ARCHITECTURE`."""
    group_size: int | None = None
    """The number of references that are trained together: the size that an interrupted build started with,
    or None to choose one."""
    snapshots: list[int] = field(default_factory=list)
    """The unfinished trainings of an interrupted build, by first reference or `ORIGINAL`. One or more
    ``snapshot`` frames of each follow the data."""
    snapshot_seconds: float = 60.0
    """The minimum training time between two snapshots."""
    probes: dict[str, Any] | None = None
    """As in `EvaluatorJob`; a network without a last linear layer has no features to record."""
    mislabelled: int | None = None
    """How many forget examples get a wrong label; None for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimingJob(_Job):
    """The job of a trainer that only times a retraining; the splits retain and val follow."""

    architecture: str
    classes: int
    training: dict[str, Any]
    """All fields of `sandbox.protocol.presets.Preset`."""
    device: str
    threads: int
    """Torch threads, as many as each run starts with."""
    portions: int
    """The number of times that some epochs are timed; the median counts."""
    architecture_source: str | None = None
    """The source of the module, if the architecture is `FILE_ARCHITECTURE`."""
