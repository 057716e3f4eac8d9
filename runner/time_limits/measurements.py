"""TODO runner.time_limits.measurements."""

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
    """All that a retrain time depends on."""

    challenge_sha256: str
    image: str
    """Digest of the image."""
    machine: Mapping[str, str]
    """The engine's machine, and the processor of this one: beside an engine that is far away the
    second says nothing, and costs at most a needless measurement."""
    cpus: float
    """The share of the cores that one run has."""
    threads: int
    placement: Placement
    """Under gVisor, and on a GPU, everything takes another time."""

    def facts(self) -> dict[str, object]:
        """Return them as plain values, for JSON."""
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
    def key(self) -> str:
        """Return their name: 32 hexadecimal digits."""
        return hashlib.sha256(json.dumps(self.facts(), sort_keys=True).encode()).hexdigest()[:32]


class Measurement(BaseModel):
    """A retrain time and what it was reckoned from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    retrain_seconds: Seconds
    """The median portion's seconds per epoch, times the epochs of a whole training."""
    epoch_seconds: Annotated[list[Seconds], Field(min_length=1)]
    """Mean seconds of an epoch in each portion."""
    epochs: Annotated[int, Field(ge=1)]
    """Epochs in each portion."""
    processor: str
    """As the kernel calls it inside the container."""
    measured: str
    """When, in UTC."""


def measurement_key(
    engine: Engine, image: Image, challenge: Challenge, placement: Placement = DEFAULT_PLACEMENT
) -> MeasurementKey:
    """Return what a measurement made now would depend on."""
    limits = challenge.description.limits
    return MeasurementKey(
        challenge_sha256=challenge.sha256,
        image=image.digest,
        machine={**engine.info().machine(), "processor": _processor()},
        cpus=limits.cpus / limits.concurrency,
        threads=limits.threads,
        placement=placement,
    )


def load_cached(where: MeasurementKey, folder: Path | None = None) -> Measurement | None:
    """Return what was measured before under the same circumstances; a damaged file counts as none."""
    try:
        found = json.loads(cache_file(where, folder).read_bytes())
        if found["circumstances"] != where.facts():
            return None
        return Measurement.model_validate(found["measurement"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def store_cached(where: MeasurementKey, measurement: Measurement, folder: Path | None = None) -> None:
    """Keep a measurement.

    Raises:
        HostNotReadyError: the cache cannot be written.
    """
    kept = {"circumstances": where.facts(), "measurement": measurement.model_dump(mode="json")}
    write_atomic(cache_file(where, folder), (json.dumps(kept, indent=2) + "\n").encode())


def cache_file(where: MeasurementKey, folder: Path | None) -> Path:
    base = folder if folder is not None else Path(platformdirs.user_cache_dir("unlearn"))
    return base / "retraining" / f"{where.key}.json"


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
