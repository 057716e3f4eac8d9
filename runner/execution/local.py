"""Execute runs in containers of this machine's engine, and evaluate their checkpoints concurrently."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from typing import Final, Self

from runner.challenge.challenge import Challenge
from runner.clients.runs import EndedRun, PlannedRun
from runner.clients.worker import WorkerClient
from runner.engine.api import Container, Stream
from runner.engine.capacity import has_memory_for_another
from runner.engine.connect import engine_answers
from runner.engine.container_spec import (
    EVALUATION_LABEL,
    evaluator_concurrency,
    evaluator_container,
    worker_container,
    worker_memory_bytes,
)
from runner.engine.run_uids import uids_for_runs
from runner.errors import HostNotReadyError, SandboxError
from runner.execution.containers import Containers, RunExecutor, one_run_challenge
from runner.execution.context import ExecutionContext
from runner.execution.cores import HostCores, cores_of
from runner.execution.evaluator_queue import EvaluatorQueue
from runner.execution.executor import EvaluatedRun, OutputsSink
from runner.execution.gpu_watch import WatchedRuns
from runner.execution.nvml import open_gpu
from runner.execution.settings import Settings, slot_limits
from runner.parsers.checkpoint import max_checkpoint_bytes
from runner.submission.load import Submission

_ENGINE_RESTART_SECONDS: Final = 60.0
"""How long the engine may not answer, for example during a restart, before the command ends."""
_PAUSE_SECONDS: Final = 0.5


class LocalExecutor:
    """The executor of one machine (`runner.execution.executor.Executor`)."""

    def __init__(
        self,
        *,
        context: ExecutionContext,
        submission: Submission,
        challenge: Challenge,
        settings: Settings,
        evaluation: str,
        sink: OutputsSink,
    ) -> None:
        """Prepare; no container is started yet."""
        self._context, self._submission = context, submission
        self._challenge, self._settings = challenge, settings
        self._limits = slot_limits(challenge.description.limits, settings.cores)
        self._resources = ExitStack()
        self._first_uid = 0
        """Of all containers: the kernel counts processes by uid, so runs in progress must share none."""
        self._is_executing = False
        self._labels = {**context.labels, EVALUATION_LABEL: evaluation}
        on_gpu = settings.placement.gpu is not None
        self._turn = threading.Lock() if on_gpu else None
        """On a GPU, held by whoever uses it: times would depend on who shares it."""
        self._cores = HostCores(cores_of(context.info))
        self._reader = open_gpu(settings.placement.gpu, context.reporter)
        self._queue = EvaluatorQueue(
            start=self._start_evaluator,
            challenge=challenge,
            sink=sink,
            placement=settings.placement,
            cores=evaluator_concurrency(
                cpus=self._limits.cpus,
                checkpoint_bytes=max_checkpoint_bytes(challenge.spec),
            ),
            keep_going=settings.keep_going,
            turn=self._turn,
        )

    def __enter__(self) -> Self:
        """Take user ids for the runs, and start the evaluator.

        Raises:
            HostNotReadyError: other evaluations leave no user ids.
        """
        with ExitStack() as resources:
            self._first_uid = resources.enter_context(uids_for_runs(self._settings.n))
            if self._reader is not None:
                resources.enter_context(self._reader)
            resources.enter_context(self._queue)
            self._resources = resources.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop the evaluator."""
        self._resources.__exit__(*error)  # type: ignore[arg-type]  # what `with` passes

    def execute(
        self, planned: Sequence[PlannedRun], *, enough: Callable[[], bool]
    ) -> Generator[EvaluatedRun]:
        """Execute runs in as many containers as the challenge allows at a time; yield each as it ends."""
        try:
            with contextlib.closing(self._runs(planned, enough)) as runs:
                for ended in runs:
                    self._queue.raise_if_failed()
                    yield EvaluatedRun(
                        ended=ended, node=socket.gethostname(), device_class=self._settings.device
                    )
        except SandboxError:
            self._queue.raise_if_failed()  # its own failure ends the command, and is what to report
            raise

    def evaluate(self, index: int) -> None:
        """Queue a published checkpoint for the evaluator."""
        self._queue.add(index)

    @property
    def is_executing(self) -> bool:
        """Return whether a container was ready for its first run."""
        return self._is_executing

    @property
    def rejected(self) -> int:
        """Return how many checkpoints were rejected."""
        return self._queue.rejected

    def await_ready(self) -> None:
        """Wait for an engine that is being restarted.

        Raises:
            HostNotReadyError: it does not answer in time.
        """
        self._queue.raise_if_failed()
        deadline = time.monotonic() + _ENGINE_RESTART_SECONDS
        while not engine_answers():
            if time.monotonic() > deadline:
                raise HostNotReadyError(
                    "The container engine stopped answering and has not recovered; finished runs are saved. "
                    "Start it, and repeat the command to continue."
                )
            time.sleep(_PAUSE_SECONDS)

    def finish(self) -> None:
        """Wait until every checkpoint is evaluated."""
        self._queue.finish()

    def _runs(self, planned: Sequence[PlannedRun], enough: Callable[[], bool]) -> Generator[EndedRun]:
        challenge = one_run_challenge(self._challenge)
        reuse = self._settings.isolation == "process"
        most = 1 if self._turn is not None else self._limits.concurrency
        concurrency = max(1, min(most, len(planned)))
        runs = -(-len(planned) // concurrency) if reuse else 1
        containers = Containers(
            start=lambda resources: self._start_worker(challenge, resources),
            connect=lambda stream: self._worker(stream, challenge, runs=runs),
            concurrency=concurrency,
            reuse=reuse,
            turn=self._turn,
            has_room_for=lambda count: has_memory_for_another(
                self._context.engine,
                self._context.info,
                count * worker_memory_bytes(challenge.description.limits),
            ),
        )
        with containers:
            yield from containers.execute(planned, may_start=self._queue.has_room, enough=enough)

    def _start_worker(self, challenge: Challenge, resources: ExitStack) -> Container:
        limits = challenge.description.limits
        return self._context.engine.start(
            worker_container(
                image=self._context.image.tag,
                limits=limits,
                labels=self._labels,
                placement=self._settings.placement,
                cpu_set=resources.enter_context(self._cores.of_a_container(limits.cpus)),
            )
        )

    def _worker(self, stream: Stream, challenge: Challenge, *, runs: int) -> RunExecutor:
        worker = WorkerClient(
            stream=stream,
            challenge=challenge,
            submission=self._submission,
            runs=runs,
            first_uid=self._first_uid,
            placement=self._settings.placement,
        )
        self._is_executing = True
        if self._reader is None:
            return worker
        uids = range(self._first_uid, self._first_uid + self._settings.n)
        return WatchedRuns(worker, reader=self._reader, run_uids=uids, kill=stream.kill)

    def _start_evaluator(self) -> Container:
        self.await_ready()
        return self._context.engine.start(
            evaluator_container(
                image=self._context.image.tag,
                cpus=self._limits.cpus,
                labels=self._labels,
                placement=self._settings.placement,
            )
        )
