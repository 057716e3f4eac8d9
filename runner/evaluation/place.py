"""Where the runs of a command are executed: on a device of this machine, or on others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from runner.challenge.challenge import Challenge
from runner.engine.placement import Placement
from runner.execution.executor import Executor
from runner.execution.gpu_driver import installed_driver
from runner.execution.host_session import HostSession
from runner.execution.local import LocalExecutor
from runner.time_limits.elsewhere import RetrainingTimer


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What executes runs, on devices of one class."""

    new_executor: Callable[..., Executor]
    device: str
    """Recorded with evaluations, and part of their names."""
    placement: Placement
    """Runtime and GPU, as far as this machine decides about them."""
    timer: RetrainingTimer | None = None
    """Times retraining there; None if this machine does so itself."""
    gpu_driver: Callable[[], str] = installed_driver
    """Returns the version of the GPUs' driver there; empty if it is not known."""


OpenPlace = Callable[[Challenge, HostSession, str], AbstractContextManager[Place]]
"""Opens a place for a challenge, from a session of this machine, with devices: ``cpu`` or ``cuda``."""


@contextmanager
def this_machine(_challenge: Challenge, host: HostSession, _required_device: str) -> Iterator[Place]:
    """Yield the device of a session of this machine."""
    yield Place(new_executor=LocalExecutor, device=host.recorded_device, placement=host.placement)
