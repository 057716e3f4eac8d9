"""How long does retraining take on this machine? Measured once, then remembered.

The yardstick is one plain retraining (`sandbox.timing`) with what one run has: its share of the
cores, its threads, its device and the same image, with nothing else going on in the container.
Some epochs of it are timed several times, and the median is multiplied. What was measured is
kept in the user's cache under everything that it depends on, so that another challenge, image,
processor or number of cores is measured anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import platformdirs
from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runner import options
from runner.challenge import Challenge
from runner.channel import Channel
from runner.engine import Engine
from runner.errors import HostNotReadyError, SandboxLostError
from runner.files import write_whole
from runner.image import Image
from runner.limits import Seconds
from runner.placement import HERE, Placement
from runner.progress import Reporter
from runner.trainer_frames import trainer_frames
from sandbox.jobs import TIMED_SPLITS, TimingJob
from sandbox.messages import from_trainer

_PORTIONS: Final = 3
_CPUINFO: Final = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
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
            "devices": [dict(request) for request in self.placement.device_requests],
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


def circumstances(
    engine: Engine, image: Image, challenge: Challenge, placement: Placement = HERE
) -> Circumstances:
    """Return what a measurement made now would depend on."""
    limits = challenge.description.limits
    return Circumstances(
        challenge_sha256=challenge.sha256,
        image=image.digest,
        machine={**engine.machine(), "processor": _processor()},
        cpus=limits.cpus / limits.concurrency,
        threads=limits.threads,
        placement=placement,
    )


def known(where: Circumstances, folder: Path | None = None) -> Measurement | None:
    """Return what was measured before under the same circumstances; a damaged file counts as none."""
    try:
        found = json.loads(_file(where, folder).read_bytes())
        if found["circumstances"] != where.facts():
            return None
        return Measurement.model_validate(found["measurement"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        return None


def remember(where: Circumstances, measurement: Measurement, folder: Path | None = None) -> None:
    """Keep a measurement.

    Raises:
        HostNotReadyError: the cache cannot be written.
    """
    kept = {"circumstances": where.facts(), "measurement": measurement.model_dump(mode="json")}
    write_whole(_file(where, folder), (json.dumps(kept, indent=2) + "\n").encode())


def timed(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    labels: Mapping[str, str],
    reporter: Reporter,
    placement: Placement = HERE,
    again: bool = False,
) -> tuple[Circumstances, Measurement]:
    """Return what is known of retraining here, measuring it where nothing is or ``again`` is asked for.

    Raises:
        ConfigurationError: the organizer's own network is of no use.
        SandboxError: the trainer failed.
        HostNotReadyError: the cache cannot be written, or the container does not see the device.
    """
    where = circumstances(engine, image, challenge, placement)
    if not again and (found := known(where)) is not None:
        return where, found
    file = _file(where, None)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.parent / "lock"):  # two at once would each see a slower machine
            found = None if again else known(where)
            if found is None:
                found = measure(
                    engine=engine,
                    image=image,
                    challenge=challenge,
                    where=where,
                    labels=labels,
                    reporter=reporter,
                )
                remember(where, found)
    except OSError as error:
        raise HostNotReadyError(f"{file.parent} cannot be written: {error.strerror}.") from error
    return where, found


def measure(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    where: Circumstances,
    labels: Mapping[str, str],
    reporter: Reporter,
) -> Measurement:
    """Time retraining in a container of its own, and return what was found.

    Raises:
        ConfigurationError: the organizer's own network is of no use.
        SandboxError: the trainer failed.
        HostNotReadyError: the container does not see the device.
    """
    said = challenge.description
    job = TimingJob(
        architecture=said.architecture,
        architecture_source=challenge.architecture_source,
        classes=said.classes,
        training=said.training.model_dump(),
        device=where.placement.torch_device,
        threads=where.threads,
        portions=_PORTIONS,
    )
    reporter.step(f"{said.name}: starting the trainer to time retraining")
    container = engine.start(
        options.trainer(image=image.tag, cpus=where.cpus, labels=dict(labels), placement=where.placement)
    )
    try:
        channel = Channel(container, from_trainer())
        channel.send("measure", job.to_json())
        channel.await_ready()
        for split in TIMED_SPLITS:
            channel.send("data", challenge.data(split), name=split)
        frames = trainer_frames(
            channel,
            name=said.name,
            reporter=reporter,
            until="measured",
            refusal="Retraining cannot be timed",
        )
        payload = next(frame.payload for frame in frames if frame.kind == "measured")
    finally:
        container.remove()
    try:
        found = json.loads(payload)
        return Measurement.model_validate(
            {**found, "measured": datetime.now(UTC).isoformat(timespec="seconds")}
        )
    except (ValueError, TypeError) as error:
        raise SandboxLostError("The trainer measured something that is no time.") from error


def _file(where: Circumstances, folder: Path | None) -> Path:
    base = folder if folder is not None else Path(platformdirs.user_cache_dir("unlearn"))
    return base / "retraining" / f"{where.key}.json"


def _processor() -> str:
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return "unknown"
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, "unknown")
