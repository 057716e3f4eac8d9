"""Measure how long retraining takes on this machine; each measurement is cached.

The yardstick is one plain retraining (`sandbox.trainer.timing`) with what one run has: its share of
the cores, its threads, its device and the same image, with nothing else in progress in the container.
Some epochs of it are timed several times, and the median is extrapolated to the whole training. The
result is stored in the user's cache under everything that it depends on, so another challenge, image,
processor or number of cores is measured again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from filelock import FileLock

from runner.challenge.challenge import Challenge
from runner.clients.trainer import TrainerSession
from runner.engine.api import Engine
from runner.engine.container_spec import trainer_container
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.errors import HostNotReadyError, SandboxLostError
from runner.image.image import Image
from runner.progress import Reporter
from runner.time_limits.measurements import (
    Measurement,
    MeasurementKey,
    cache_file,
    load_cached,
    measurement_key,
    store_cached,
)
from sandbox.protocol.jobs import TimingJob
from sandbox.protocol.splits import TIMED_SPLITS

_PORTIONS: Final = 3
"""Number of timed portions, of which the median counts."""


def get_or_measure(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    labels: Mapping[str, str],
    reporter: Reporter,
    placement: Placement = DEFAULT_PLACEMENT,
    again: bool = False,
) -> tuple[MeasurementKey, Measurement]:
    """Return the retraining time on this machine, measuring it if none is cached or ``again`` is set.

    Raises:
        ConfigurationError: the organizer's own network cannot be used.
        SandboxError: the trainer failed.
        HostNotReadyError: the cache cannot be written, or the container cannot use the device.
    """
    key = measurement_key(engine, image, challenge, placement)
    if not again and (cached := load_cached(key)) is not None:
        return key, cached
    folder = cache_file(key).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):  # two measurements in parallel would each see a slower machine
            measurement = None if again else load_cached(key)
            if measurement is None:
                measurement = measure(
                    engine=engine,
                    image=image,
                    challenge=challenge,
                    key=key,
                    labels=labels,
                    reporter=reporter,
                )
                store_cached(key, measurement)
    except OSError as error:
        raise HostNotReadyError(f"{folder} cannot be written: {error.strerror}.") from error
    return key, measurement


def measure(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    key: MeasurementKey,
    labels: Mapping[str, str],
    reporter: Reporter,
) -> Measurement:
    """Time retraining in a container of its own, and return the result.

    Raises:
        ConfigurationError: the organizer's own network cannot be used.
        SandboxError: the trainer failed.
        HostNotReadyError: the container cannot use the device.
    """
    description = challenge.description
    job = TimingJob(
        architecture=description.architecture,
        architecture_source=challenge.architecture_source,
        classes=description.classes,
        training=description.training.model_dump(),
        device=key.placement.torch_device,
        threads=key.threads,
        portions=_PORTIONS,
    )
    session = TrainerSession(
        engine=engine,
        spec=trainer_container(image=image.tag, cpus=key.cpus, labels=dict(labels), placement=key.placement),
        name=description.name,
        reporter=reporter,
        refusal="Retraining cannot be timed",
    )
    reporter.step(f"{description.name}: starting the trainer to time retraining")
    with session as trainer:
        trainer.begin(job)
        for split in TIMED_SPLITS:
            trainer.send("data", challenge.data(split), name=split)
        (payload,) = (frame.payload for frame in trainer.frames(until="measured") if frame.kind == "measured")
    try:
        return Measurement.model_validate(
            {**json.loads(payload), "measured": datetime.now(UTC).isoformat(timespec="seconds")}
        )
    except (ValueError, TypeError) as error:
        raise SandboxLostError("The trainer sent an invalid measurement.") from error
