"""The protocol of what times retraining on other machines than this one, all of one class."""

from __future__ import annotations

from typing import Protocol

from runner.challenge.challenge import Challenge
from runner.time_limits.measurements import Measurement, MeasurementKey


class RetrainingTimer(Protocol):
    """Times retraining on a machine of a class; what it measures holds for all of them."""

    @property
    def on_gpu(self) -> bool:
        """Return whether the machines of the class execute on GPUs."""

    def key(self, challenge: Challenge) -> MeasurementKey:
        """Return the key under which this machine keeps what was measured."""

    def measure(self, challenge: Challenge) -> Measurement:
        """Return how long retraining takes on one of the machines.

        Raises:
            ConfigurationError: the organizer's own network cannot be used.
            HostNotReadyError: no machine can measure.
            SandboxError: the trainer failed.
        """
