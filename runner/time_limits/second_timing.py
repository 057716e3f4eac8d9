"""Time retraining again after runs that look too slow, on the machine as it is then.

The first timing may be older than the runs, and the machine was perhaps less busy then; the same work takes
more processor time on a busy machine. So before runs are called too slow, retraining is timed again beside
other retrainings, as runs are executed beside other runs, and the slowest portion counts.
`scoring.baselines.run_time.slower_retraining` decides what is made of it.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from runner.challenge.challenge import Challenge
from runner.engine.api import Container, Engine
from runner.engine.container_spec import ContainerSpec
from runner.engine.placement import Placement
from runner.errors import SandboxLostError
from runner.image.image import Image
from runner.progress import NullReporter
from runner.time_limits.measurements import measurement_key
from runner.time_limits.retraining import time_portions

_MAX_AT_ONCE: Final = 4
"""Number of retrainings that are timed at once, unless fewer runs go on at once."""


class _Containers:
    """Starts containers, until all of them are killed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._started: list[Container] = []
        self._is_over = False
        self._lock = threading.Lock()

    def start(self, spec: ContainerSpec) -> Container:
        container = self._engine.start(spec)
        with self._lock:
            if not self._is_over:
                self._started.append(container)
                return container
        container.remove()
        raise SandboxLostError("Retraining is not timed any more.")

    def kill(self) -> None:
        """Kill all of them, whose threads then end; none is started from now on."""
        with self._lock:
            self._is_over = True
        for container in self._started:
            container.kill()


def time_again(
    *,
    engine: Engine,
    image: Image,
    challenge: Challenge,
    labels: Mapping[str, str],
    placement: Placement,
    at_once: int,
) -> float | None:
    """Return the processor seconds of a retraining, as long as the slowest timed portion takes.

    Nothing is cached: later evaluations have a first timing of their own.

    Args:
        engine: Where the runs were executed, or the coordinator's where other machines executed them.
        image: Theirs.
        challenge: Which retraining is timed.
        labels: Of the containers.
        placement: That of the runs.
        at_once: Number of runs that were executed at once.

    Returns:
        None where processor time cannot be read.

    Raises:
        ConfigurationError: the organizer's own network cannot be used.
        SandboxError: a trainer failed.
        HostNotReadyError: a container cannot use the device.
    """
    key = measurement_key(engine, image, challenge, placement)
    containers = _Containers(engine)

    def portions(_number: int) -> list[float] | None:
        _measurement, per_epoch = time_portions(
            engine=containers,
            image=image,
            challenge=challenge,
            key=key,
            labels=labels,
            reporter=NullReporter(),  # several at once would report over each other
        )
        return per_epoch

    count = min(_MAX_AT_ONCE, at_once)
    with ThreadPoolExecutor(count, thread_name_prefix="timing") as pool:
        try:
            timed = list(pool.map(portions, range(count)))
        except BaseException:  # Ctrl-C as well: the others could take minutes
            containers.kill()
            raise
    known = [seconds for of_one in timed if of_one is not None for seconds in of_one]
    return max(known) * challenge.description.training.epochs if known else None
