"""Execute each run in its own container: the strict alternative to forking all runs in one container.

As many containers run in parallel as the challenge allows runs in parallel, each with its share of the cores.
Runs are judged by the same rules as in a shared container.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Final, Protocol, Self

from runner.challenge.challenge import Challenge
from runner.challenge.limits import Limits
from runner.clients.runs import EndedRun, PlannedRun
from runner.engine.api import Stream
from runner.errors import SandboxLostError

_WAIT_SECONDS: Final = 0.2


class RunExecutor(Protocol):
    """Executes runs in one container; `runner.clients.worker.WorkerClient` is one."""

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        """Execute runs and yield each as it ends."""


def single_run_limits(limits: Limits) -> Limits:
    """Return the limits of a container that executes one of the runs that are in progress together."""
    return limits.with_changes(concurrency=1, cpus=limits.cpus / limits.concurrency)


def single_run_challenge(challenge: Challenge) -> Challenge:
    """Return the challenge with the limits of a container for one run."""
    return challenge.with_limits(**single_run_limits(challenge.description.limits).model_dump())


class ContainerPerRun:
    """Executes runs, each in a container of its own.

    Use as a context manager: leaving ends and removes the containers that are still running.
    """

    def __init__(
        self,
        *,
        start: Callable[[], Stream],
        connect: Callable[[Stream], RunExecutor],
        concurrency: int,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            start: Starts a container.
            connect: Sends a container what a run needs.
            concurrency: Containers in parallel.
        """
        self._start, self._connect, self._concurrency = start, connect, concurrency
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="worker")
        self._streams: set[Stream] = set()
        self._lock = threading.Lock()
        self._stopped = False

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End the containers that are still running, and wait until they are removed."""
        with self._lock:
            self._stopped = True
            for stream in self._streams:
                stream.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def execute(
        self,
        planned: Sequence[PlannedRun],
        may_start: Callable[[], bool] = lambda: True,
        enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[EndedRun]:
        """Execute runs and yield each as it ends; while ``may_start`` returns False, none is started.

        Once ``enough`` returns True, runs in progress are finished and no other is started.

        Raises:
            SandboxError: a container failed, through no fault of the submission.
        """
        waiting = deque(planned)
        active: set[Future[EndedRun]] = set()
        while waiting or active:
            if enough():
                waiting.clear()
            while waiting and len(active) < self._concurrency and may_start():
                active.add(self._pool.submit(self._execute_run, waiting.popleft()))
            if not active:
                time.sleep(_WAIT_SECONDS)
            done, active = wait(active, timeout=_WAIT_SECONDS, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()

    def _execute_run(self, run: PlannedRun) -> EndedRun:
        stream = self._start()
        try:
            with self._lock:
                if self._stopped:
                    raise SandboxLostError("The evaluation was stopped.")
                self._streams.add(stream)
            for ended in self._connect(stream).execute([run]):
                return ended
            raise SandboxLostError("The worker container ended without reporting how its run ended.")
        finally:
            with self._lock:
                self._streams.discard(stream)
            stream.remove()
