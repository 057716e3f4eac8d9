"""Cached measurements of the retraining time, and the circumstances that each depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Seconds
from runner.engine.api import Engine
from runner.engine.docker_options import device_requests
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.files import write_atomic
from runner.image.image import Image

_CPUINFO: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementKey:
    """Everything that the retraining time depends on."""

    challenge_sha256: str
    image: str
    """Digest of the image."""
    machine: Mapping[str, str]
    """Facts of the engine's machine, and the processor of this host. With an engine on another machine that
    is the wrong processor; the worst case is that retraining is measured once more than necessary."""
    cpus: float
    """Share of the cores that one run has."""
    threads: int
    placement: Placement
    """gVisor and GPUs change all times."""

    def facts(self) -> dict[str, object]:
        """Return the fields as plain values, for JSON."""
        return {
            "challenge_sha256": self.challenge_sha256,
            "image": self.image,
            "machine": dict(self.machine),
            "cpus": self.cpus,
            "threads": self.threads,
            "runtime": self.placement.runtime,
            "devices": list(device_requests(self.placement.gpu)),
        }

    @property
    def digest(self) -> str:
        """Return the name of the measurement's file: 32 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()[:32]


class Measurement(BaseModel):
    """A retraining time, and the times that it was calculated from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retrain_seconds: Seconds
    """Seconds per epoch of the median portion, times the epochs of a complete training."""
    epoch_seconds: Annotated[list[Seconds], Field(min_length=1)]
    """Mean seconds of an epoch in each portion."""
    retrain_processor_seconds: Seconds | None = None
    """The same of processor time, all threads together; None if it could not be read, on a GPU, whose work
    it does not count, and under gVisor, where it does not compare with that of a run."""
    epoch_processor_seconds: Annotated[list[Seconds], Field(min_length=1)] | None = None
    """Mean processor seconds of an epoch in each portion."""
    empty_run_processor_seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """Processor time of a run whose submission takes one step; None where that of retraining is."""
    epochs: Annotated[int, Field(ge=1)]
    """Epochs in each portion."""
    processor: str
    """Name of the processor inside the container."""
    measured: str
    """Time of the measurement, in UTC."""


def measurement_key(
    engine: Engine, image: Image, challenge: Challenge, placement: Placement = DEFAULT_PLACEMENT
) -> MeasurementKey:
    """Return the key of a measurement on this machine."""
    limits = challenge.description.limits
    return MeasurementKey(
        challenge_sha256=challenge.sha256,
        image=image.digest,
        machine={**engine.info().machine(), "processor": _processor()},
        cpus=limits.cpus / limits.concurrency,
        threads=limits.threads,
        placement=placement,
    )


def load_cached(key: MeasurementKey, folder: Path | None = None) -> Measurement | None:
    """Return the measurement stored under a key; None if there is none, or its file is damaged."""
    try:
        entry = json.loads(cache_file(key, folder).read_bytes())
        if entry["circumstances"] != key.facts():
            return None
        return Measurement.model_validate(entry["measurement"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def store_cached(key: MeasurementKey, measurement: Measurement, folder: Path | None = None) -> None:
    """Store a measurement under a key, replacing an earlier one.

    Raises:
        HostNotReadyError: the cache cannot be written.
    """
    entry = {"circumstances": key.facts(), "measurement": measurement.model_dump(mode="json")}
    write_atomic(cache_file(key, folder), (json.dumps(entry, indent=2) + "\n").encode())


def cache_file(key: MeasurementKey, folder: Path | None = None) -> Path:
    """Return the path of a measurement's file, in ``folder`` or in the user's cache."""
    base = folder if folder is not None else Path(platformdirs.user_cache_dir("unlearn"))
    return base / "retraining" / f"{key.digest}.json"


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
