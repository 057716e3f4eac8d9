"""One container for each run: the strict alternative to forking them in one.

Containers go side by side, as many as the challenge lets runs go on at once, each with its
share of the cores. What comes of a run is judged as in a shared container.
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
from runner.clients.channel import Stream
from runner.clients.runs import EndedRun, PlannedRun
from runner.errors import SandboxLostError

_WAIT_SECONDS: Final = 0.2


class RunExecutor(Protocol):
    """What does runs in one container; `runner.clients.worker.WorkerClient` is one."""

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        """Do runs and yield each as it ends."""


def single_run_limits(limits: Limits) -> Limits:
    """Return the limits of a container that does one of the runs that go on together."""
    return limits.with_changes(concurrency=1, cpus=limits.cpus / limits.concurrency)


def single_run_challenge(challenge: Challenge) -> Challenge:
    """Return the challenge as a container for one run is told it."""
    return challenge.with_limits(**single_run_limits(challenge.description.limits).model_dump())


class ContainerPerRun:
    """Does runs, each in a container of its own.

    Use as a context manager: leaving ends and removes whatever still goes on.
    """

    def __init__(
        self, *, start: Callable[[], Stream], work: Callable[[Stream], RunExecutor], side_by_side: int
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            start: Starts a container.
            work: Makes it ready for a run.
            side_by_side: Containers at once.
        """
        self._start, self._work, self._side_by_side = start, work, side_by_side
        self._pool = ThreadPoolExecutor(side_by_side, thread_name_prefix="worker")
        self._streams: set[Stream] = set()
        self._lock = threading.Lock()
        self._over = False

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_what: object) -> None:
        """End whatever still goes on, and wait until it is gone."""
        with self._lock:
            self._over = True
            for stream in self._streams:
                stream.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def execute(
        self,
        planned: Sequence[PlannedRun],
        may_start: Callable[[], bool] = lambda: True,
        enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[EndedRun]:
        """Do runs and yield each as it ends; while ``may_start`` says no, none is started.

        Once ``enough`` says yes, those that go on are done and the rest are left undone.

        Raises:
            SandboxError: a container failed and the submission is not to blame.
        """
        waiting = deque(planned)
        going: set[Future[EndedRun]] = set()
        while waiting or going:
            if enough():
                waiting.clear()
            while waiting and len(going) < self._side_by_side and may_start():
                going.add(self._pool.submit(self._do_one, waiting.popleft()))
            if not going:
                time.sleep(_WAIT_SECONDS)
            ended, going = wait(going, timeout=_WAIT_SECONDS, return_when=FIRST_COMPLETED)
            for one in ended:
                yield one.result()

    def _do_one(self, run: PlannedRun) -> EndedRun:
        stream = self._start()
        try:
            with self._lock:
                if self._over:
                    raise SandboxLostError("The evaluation was stopped.")
                self._streams.add(stream)
            for ended in self._work(stream).execute([run]):
                return ended
            raise SandboxLostError("The worker container ended without saying how its run did.")
        finally:
            with self._lock:
                self._streams.discard(stream)
            stream.remove()
