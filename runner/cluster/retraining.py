"""Time retraining on a node of a cluster, for limits that are a fraction of it."""

from __future__ import annotations

import time
import uuid
from typing import Final

from pydantic import ValidationError

from runner.challenge.challenge import Challenge
from runner.cluster.answers import NodeRefusedError
from runner.cluster.device_pool import LostShareError
from runner.cluster.handles import RayDevice
from runner.cluster.orders import TimingOrder
from runner.cluster.pool import ClusterPool
from runner.engine.placement import CPU, Placement
from runner.errors import HostNotReadyError
from runner.image.image import Image
from runner.progress import Reporter
from runner.time_limits.measurements import Measurement, MeasurementKey

_ATTEMPTS: Final = 3
_PATIENCE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.2


class ClusterTimer:
    """Times retraining on a device of a cluster (`runner.time_limits.elsewhere.RetrainingTimer`)."""

    def __init__(
        self, pool: ClusterPool, *, device_class: str, image: Image, runtime: str, reporter: Reporter
    ) -> None:
        """Use the devices of a pool.

        Args:
            pool: Of nodes that all are of one class.
            device_class: Their class: ``cuda:`` and a model.
            image: That they have.
            runtime: Of containers; empty for the engine's default.
            reporter: Shows where it is timed.
        """
        self._pool, self._class, self._image, self._runtime = pool, device_class, image, runtime
        self._reporter = reporter

    @property
    def on_gpu(self) -> bool:
        """Return whether the devices are GPUs."""
        return self._class != CPU

    def key(self, challenge: Challenge) -> MeasurementKey:
        """Return the key of what is measured on the class of devices."""
        limits = challenge.description.limits
        return MeasurementKey(
            challenge_sha256=challenge.sha256,
            image=self._image.digest,
            machine={"class": self._class},
            cpus=limits.cpus / limits.concurrency,
            threads=limits.threads,
            placement=Placement(runtime=self._runtime),
        )

    def measure(self, challenge: Challenge) -> Measurement:
        """Return how long retraining takes on the first device that is free; on another one if that is lost.

        Raises:
            HostNotReadyError: no device measures it.
        """
        name = f"retraining {uuid.uuid4().hex}"
        order = TimingOrder(
            challenge_sha256=challenge.sha256,
            limits=challenge.description.limits.model_dump(),
            image=self._image.digest,
            required_device=challenge.description.device,
            runtime=self._runtime,
        )
        problem = ""
        self._pool.open(name, challenge)
        try:
            for _ in range(_ATTEMPTS):
                device = self._await_device(name)
                self._reporter.step(f"{challenge.description.name}: timing retraining on {device.name}")
                try:
                    measured = device.time_retraining(order)
                except LostShareError as error:
                    self._pool.lose(device, str(error))
                    problem = str(error)
                except NodeRefusedError as error:
                    self._pool.give_back(device)
                    raise HostNotReadyError(
                        f"Retraining cannot be timed on {device.name}: {error}"
                    ) from error
                else:
                    self._pool.give_back(device)
                    return Measurement.model_validate(measured)
        except ValidationError as error:
            raise HostNotReadyError("A node sent an invalid measurement of retraining.") from error
        finally:
            self._pool.close(name)
        raise HostNotReadyError(f"Retraining was not timed: {problem}")

    def _await_device(self, name: str) -> RayDevice:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (device := self._pool.take(name)) is None:
            if time.monotonic() > deadline and not self._pool.devices_for(name):
                raise HostNotReadyError(f"No node can time retraining. {self._pool.problems()}".rstrip())
            time.sleep(_POLL_SECONDS)
        return device
