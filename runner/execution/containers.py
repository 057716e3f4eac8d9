"""Spread runs over containers, each of which executes one run at a time.

Two runs never share a container at the same time, so whatever a run leaves behind can only be its own, and
all of it is removed before the next run starts there. Under isolation "process" a container executes one run
after another; under "container" it executes one. Runs are judged by the same rules in both.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.engine.api import Stream
from runner.errors import SandboxLostError

_WAIT_SECONDS: Final = 0.2
_ASK_AGAIN_SECONDS: Final = 2.0
"""How long the answer that there is no room holds, unless a run ends: each question is a call for each
container of the host."""


class RunExecutor(Protocol):
    """Executes runs in one container; `runner.clients.worker.WorkerClient` is one."""

    @property
    def is_usable(self) -> bool:
        """Return whether the container can execute another run."""

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        """Execute runs and yield each as it ends."""


def one_run_challenge(challenge: Challenge) -> Challenge:
    """Return the challenge with the limits of a container that executes one run at a time."""
    return challenge.with_limits(**challenge.description.limits.of_one_run().model_dump())


@dataclass(frozen=True, slots=True)
class _Worker:
    stream: Stream
    client: RunExecutor


class Containers:
    """Executes runs in several containers.

    Use as a context manager: leaving ends and removes all containers.
    """

    def __init__(
        self,
        *,
        start: Callable[[ExitStack], Stream],
        connect: Callable[[Stream], RunExecutor],
        concurrency: int,
        reuse: bool,
        has_room_for: Callable[[int], bool] = lambda _containers: True,
        turn: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            start: Starts a container; what it enters on the stack is left after the container is removed.
            connect: Sends a container what its runs need.
            concurrency: Containers in use at a time.
            reuse: Whether a container executes further runs after its first one.
            has_room_for: Whether the host has room for so many further containers; asked before a container
                is started beside others. The first one is started in any case.
            turn: Entered for each run, where it cannot share the device with a checkpoint's evaluation; can
                be entered again.
        """
        self._start, self._connect, self._concurrency = start, connect, concurrency
        self._reuse, self._has_room_for = reuse, has_room_for
        self._turn = turn or contextlib.nullcontext()
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="worker")
        self._idle: list[_Worker] = []
        self._streams: dict[Stream, ExitStack] = {}
        self._lock = threading.Lock()
        self._stopped = False
        self._ask_again_at = 0.0
        """Before this moment of the monotonic clock, there is no room for a further container."""

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(self, *_error: object) -> None:
        """End all containers, and wait until they are removed."""
        with self._lock:
            self._stopped = True
            for stream in self._streams:
                stream.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for worker in self._idle:
            self._remove(worker.stream)

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
            while waiting and may_start() and self._may_submit(len(active)):
                active.add(self._pool.submit(self._execute_run, waiting.popleft()))
            if not active:
                time.sleep(_WAIT_SECONDS)
            done, active = wait(active, timeout=_WAIT_SECONDS, return_when=FIRST_COMPLETED)
            if done:
                self._ask_again_at = 0.0
            for future in done:
                yield future.result()

    def _may_submit(self, active: int) -> bool:
        if active == 0:
            return True
        if active >= self._concurrency:
            return False
        with self._lock:
            due = active - (len(self._streams) - len(self._idle))
            free = len(self._idle) - due
        if free > 0:
            return True
        if time.monotonic() < self._ask_again_at:
            return False
        has_room = self._has_room_for(max(0, due) + 1)
        if not has_room:
            self._ask_again_at = time.monotonic() + _ASK_AGAIN_SECONDS
        return has_room

    def _execute_run(self, run: PlannedRun) -> EndedRun:
        worker = self._take()
        is_reusable = False
        try:
            with self._turn:
                ended = list(worker.client.execute([run]))
            if not ended:
                raise SandboxLostError("The worker container ended without reporting how its run ended.")
            is_reusable = self._reuse and worker.client.is_usable
            return ended[0]
        finally:
            if is_reusable:
                with self._lock:
                    self._idle.append(worker)
            else:
                self._remove(worker.stream)

    def _take(self) -> _Worker:
        """Return a worker that is not in use, a new one if there is none."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        with ExitStack() as resources:
            stream = self._start(resources)
            try:
                with self._lock:
                    if self._stopped:
                        raise SandboxLostError("The evaluation was stopped.")
                    self._streams[stream] = resources.pop_all()
                return _Worker(stream, self._connect(stream))
            except BaseException:
                self._remove(stream)
                raise

    def _remove(self, stream: Stream) -> None:
        with self._lock:
            resources = self._streams.pop(stream, None) or ExitStack()
        with resources:
            stream.remove()
