"""Measure how long retraining takes on this machine; each measurement is cached.

The yardstick is one plain retraining (`sandbox.trainer.timing`) with what one run has: its share of
the cores, its threads, its device and the same image, with nothing else in progress in the container.
Some epochs of it are timed several times, and the median is extrapolated to the whole training. The
result is stored in the user's cache under everything that it depends on, so another challenge, image,
processor or number of cores is measured again.

On a CPU, processor time is measured beside it (`runner.time_limits.processor_time`). Not under gVisor, where
the same training costs a forked run half as much again as the trainer: an honest run would look slow.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from filelock import FileLock

from runner.challenge.challenge import Challenge
from runner.clients.trainer import ContainerStarter, TrainerSession
from runner.engine.api import Engine
from runner.engine.container_spec import trainer_container
from runner.engine.placement import DEFAULT_PLACEMENT, GVISOR, Placement
from runner.errors import HostNotReadyError, RunnerError, SandboxLostError
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
from runner.time_limits.processor_time import epoch_processor_seconds, measure_empty_runs
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
    measurement, per_epoch = time_portions(
        engine=engine, image=image, challenge=challenge, key=key, labels=labels, reporter=reporter
    )
    if per_epoch is None:
        return measurement
    description = challenge.description
    reporter.step(f"{description.name}: measuring what a run takes that does nothing")
    try:
        empty = measure_empty_runs(
            engine=engine, image=image, challenge=challenge, labels=labels, placement=key.placement
        )
    except RunnerError as error:  # the time by the clock is good without them
        reporter.step(
            f"{description.name}: no processor time of retraining, which `unlearn challenge measure` "
            f"measures again: {error}"
        )
        return measurement
    if empty is None:
        return measurement
    return measurement.model_copy(
        update={
            "retrain_processor_seconds": statistics.median(per_epoch) * description.training.epochs,
            "epoch_processor_seconds": per_epoch,
            "empty_run_processor_seconds": empty,
        }
    )


def time_portions(
    *,
    engine: ContainerStarter,
    image: Image,
    challenge: Challenge,
    key: MeasurementKey,
    labels: Mapping[str, str],
    reporter: Reporter,
) -> tuple[Measurement, list[float] | None]:
    """Time portions of retraining in a container of its own.

    Returns:
        The measurement by the clock, and the mean processor seconds of an epoch in each portion: None where
        they cannot be read, or do not compare with those of a run.

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
    readings: dict[int, float | None] = {}
    with session as trainer:
        trainer.begin(job)
        for split in TIMED_SPLITS:
            trainer.send("data", challenge.data(split), name=split)
        frames = trainer.frames(
            until="measured", on_progress=lambda done: readings.update({done: trainer.cpu_seconds()})
        )
        (payload,) = (frame.payload for frame in frames if frame.kind == "measured")
    measurement, paused = _measurement(payload)
    if not paused or key.placement.gpu is not None or key.placement.runtime == GVISOR:
        return measurement, None
    per_epoch = epoch_processor_seconds(readings, measurement.epochs, len(measurement.epoch_seconds))
    return measurement, per_epoch


def _measurement(payload: bytes) -> tuple[Measurement, bool]:
    """Return what the trainer measured, and whether it paused for this side to read its processor time."""
    try:
        values: dict[str, Any] = json.loads(payload)
        paused = "pause_seconds" in values  # earlier images do not pause
        values.pop("pause_seconds", None)
        measured = datetime.now(UTC).isoformat(timespec="seconds")
        return Measurement.model_validate({**values, "measured": measured}), paused
    except (ValueError, TypeError, AttributeError) as error:
        raise SandboxLostError("The trainer sent an invalid measurement.") from error
