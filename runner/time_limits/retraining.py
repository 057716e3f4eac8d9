"""How long does retraining take on this machine? Measured once, then remembered.

The yardstick is one plain retraining (`sandbox.trainer.timing`) with what one run has: its share of the
cores, its threads, its device and the same image, with nothing else going on in the container.
Some epochs of it are timed several times, and the median is multiplied. What was measured is
kept in the user's cache under everything that it depends on, so that another challenge, image,
processor or number of cores is measured anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from filelock import FileLock

from runner.challenge.challenge import Challenge
from runner.clients.channel import Channel
from runner.clients.trainer import trainer_frames
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
from sandbox.protocol.messages import from_trainer
from sandbox.protocol.splits import TIMED_SPLITS

_PORTIONS: Final = 3


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
    """Return what is known of retraining here, measuring it where nothing is or ``again`` is asked for.

    Raises:
        ConfigurationError: the organizer's own network is of no use.
        SandboxError: the trainer failed.
        HostNotReadyError: the cache cannot be written, or the container does not see the device.
    """
    where = measurement_key(engine, image, challenge, placement)
    if not again and (found := load_cached(where)) is not None:
        return where, found
    file = cache_file(where, None)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(file.parent / "lock"):  # two at once would each see a slower machine
            found = None if again else load_cached(where)
            if found is None:
                found = measure(
                    engine=engine,
                    image=image,
                    challenge=challenge,
                    where=where,
                    labels=labels,
                    reporter=reporter,
                )
                store_cached(where, found)
    except OSError as error:
        raise HostNotReadyError(f"{file.parent} cannot be written: {error.strerror}.") from error
    return where, found


def measure(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    where: MeasurementKey,
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
        trainer_container(image=image.tag, cpus=where.cpus, labels=dict(labels), placement=where.placement)
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
