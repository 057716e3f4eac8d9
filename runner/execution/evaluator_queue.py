"""Background queue that feeds checkpoints to the evaluator while runs are in progress.

The evaluator is sent one checkpoint more than it evaluates at once, so that it never waits for the stream.
While runs are in progress one is evaluated at a time, on one core, because evaluation slows runs down, and
their limits are wall time. On a GPU, runs and checkpoints take turns: none shares the device with
another, whose time would depend on it. After the last run, as many are evaluated in parallel as the evaluator
has cores and memory for (`runner.engine.container_spec.evaluator_concurrency`).

A checkpoint may be the reason why an evaluator fails: an organizer's own network may end its process with
some weights, or never answer. Every evaluator is sent the original network first, which shows that it works
and how long it takes. When an evaluator is lost, its unanswered checkpoints are sent to the next one singly.
A checkpoint that two evaluators fail with singly is the submission's fault; from then on every checkpoint is
sent singly. Losses with an external cause are never blamed on a checkpoint.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, Self

from runner.background_thread import BackgroundThread
from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import EvaluatorClient, Rejected
from runner.engine.api import Stream
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.errors import EvaluatorFailedError, HostNotReadyError, RunnerError, SandboxError, SandboxLostError
from runner.execution.executor import OutputsSink

EVALUATOR_FAILED_TWICE: Final = "two evaluators failed with it by itself, and not with the original network"
"""Why a checkpoint is rejected; stored in the detail of its run."""
MIN_CHECKPOINT_SECONDS: Final = 60.0
"""How long a checkpoint may take at least."""

_MAX_WAITING: Final = 64
"""No new run is started while this many checkpoints wait."""
_MAX_LOSSES: Final = 3
"""How often the evaluator's container may be lost, with no checkpoint to blame, before the command ends."""
_MAX_FAILURES: Final = 2
"""How many evaluators may fail with a checkpoint singly before it is rejected."""
_SLOWDOWN: Final = 20.0
"""A checkpoint may take this many times what the original network takes: the machine has other work too."""
_ORIGINAL: Final = -1
"""In place of a run's index."""


class EvaluatorQueue:
    """The checkpoints of one evaluation that wait for their outputs.

    Use as a context manager: entering starts the evaluator's container, leaving removes it.
    """

    def __init__(
        self,
        *,
        start: Callable[[], Stream],
        challenge: Challenge,
        sink: OutputsSink,
        placement: Placement = DEFAULT_PLACEMENT,
        cores: int = 1,
        keep_going: bool = True,
        min_checkpoint_seconds: float = MIN_CHECKPOINT_SECONDS,
        evaluator: Callable[..., EvaluatorClient] = EvaluatorClient,
        turn: AbstractContextManager[Any] | None = None,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            start: Starts an evaluator container.
            challenge: What checkpoints are evaluated on.
            sink: Provides checkpoints and takes their outputs.
            placement: Of the evaluator's container.
            cores: Used after the last run; one is used while runs are in progress.
            keep_going: Evaluate the rest after evaluators failed with a checkpoint. Without it the
                evaluation has failed, and each remaining checkpoint might take as long.
            min_checkpoint_seconds: How long a checkpoint may take at least.
            evaluator: Connects to a container.
            turn: Entered while the device is used, where it cannot be shared with runs; can be entered again.
        """
        self._start, self._challenge, self._sink = start, challenge, sink
        self._placement, self._cores = placement, cores if placement.gpu is None else 1
        self._keep_going, self._min_seconds = keep_going, min_checkpoint_seconds
        self._connect = evaluator
        self._turn = turn
        self._sent: list[int] = []
        """Sent to an evaluator and not answered: if it is lost, the next one gets them."""
        self._single: int | None = None
        """The index in ``_sent`` that was sent singly, if any."""
        self._failures: Counter[int] = Counter()
        """How many evaluators have failed with each checkpoint singly."""
        self._losses = 0
        self._rejected = 0
        self._blamed = 0
        self._all_queued = False
        self._runs_ended = threading.Event()
        self._waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._stream: Stream | None = None
        self._abandoned = threading.Event()
        self._thread = BackgroundThread(self._work, name="evaluator")

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(self, kind: object = None, *_error: object) -> None:
        """Stop; waiting checkpoints stay on disk for another command."""
        self._abandoned.set()
        self._waiting.put(None)
        if kind is not None and self._stream is not None:
            self._stream.kill()  # nobody waits for its answer any more
        self._thread.wait()

    def add(self, index: int) -> None:
        """Queue the published checkpoint of a run."""
        self._waiting.put(index)

    def has_room(self) -> bool:
        """Return whether another run may be started, because few checkpoints wait."""
        return self._waiting.qsize() < _MAX_WAITING or not self._thread.is_working()

    @property
    def rejected(self) -> int:
        """Return how many checkpoints were rejected."""
        return self._rejected

    def finish(self) -> None:
        """Wait until no checkpoint waits any more.

        Raises:
            RunnerError: the evaluator failed; the remaining checkpoints stay on disk.
        """
        self._runs_ended.set()
        self._waiting.put(None)
        self._thread.wait()
        self.raise_if_failed()

    def raise_if_failed(self) -> None:
        """Raise the error that ended the thread, if there is one."""
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            while self._sent or not self._all_queued:
                try:
                    self._evaluate_all()
                except SandboxError as error:
                    if self._abandoned.is_set():
                        raise  # this process may have ended the container itself
                    self._count_loss(error)
                    if self._losses >= _MAX_LOSSES:
                        raise
                if self._abandoned.is_set() or (self._blamed and not self._keep_going):
                    return
        except RunnerError as error:
            self._failure = error
        except OSError as error:
            self._failure = HostNotReadyError(f"A checkpoint cannot be read: {error}.")
        except BaseException as error:  # noqa: BLE001 - otherwise the thread would end silently, and all seem done
            self._failure = error

    def _evaluate_all(self) -> None:
        """Evaluate in one container, starting with the checkpoints that a lost one did not answer."""
        container = self._stream = self._start()
        try:
            if self._abandoned.is_set():
                return
            with self._turn or contextlib.nullcontext():
                evaluator = self._connect(
                    stream=container, challenge=self._challenge, placement=self._placement
                )
                seconds = self._time_original(evaluator)
            for index in tuple(self._sent):
                self._evaluate_singly(evaluator, index, seconds)
            concurrency = 1
            while not self._abandoned.is_set():
                if self._blamed or self._turn is not None:
                    if (next_index := self._next()) is None:
                        return
                    self._sent.append(next_index)
                    self._evaluate_singly(evaluator, next_index, seconds)
                    continue
                if self._runs_ended.is_set() and concurrency < self._cores:
                    concurrency = self._cores
                    evaluator.set_concurrency(concurrency)
                if len(self._sent) <= concurrency and (next_index := self._next()) is not None:
                    self._sent.append(next_index)
                    evaluator.send(next_index, self._sink.read_checkpoint(next_index))
                elif self._sent:
                    self._deliver(*evaluator.receive(len(self._sent) * self._max_seconds(seconds)))
                else:
                    return
        finally:
            container.remove()

    def _max_seconds(self, original_seconds: float) -> float:
        """Return how long a checkpoint may take where the original network took ``original_seconds``."""
        return max(self._min_seconds, _SLOWDOWN * original_seconds)

    def _time_original(self, evaluator: EvaluatorClient) -> float:
        """Return the seconds that the original network takes, or raise if the evaluator does not work."""
        evaluator.send(_ORIGINAL, self._challenge.data("original"))
        started_at = time.monotonic()
        _, result = evaluator.receive()
        if isinstance(result, Rejected):
            raise SandboxLostError(f"The evaluator refuses the original network: {result.reason}.")
        return time.monotonic() - started_at

    def _evaluate_singly(self, evaluator: EvaluatorClient, index: int, seconds: float) -> None:
        """Evaluate a checkpoint with no other in the evaluator; the original took ``seconds`` in it."""
        with self._turn or contextlib.nullcontext():
            evaluator.send(index, self._sink.read_checkpoint(index))
            self._single = index
            self._deliver(*evaluator.receive(self._max_seconds(seconds)))
            self._single = None

    def _count_loss(self, error: SandboxError) -> None:
        """Count a loss against the checkpoint that was sent singly, or else against the sandbox."""
        index, self._single = self._single, None
        if index is None or not isinstance(error, EvaluatorFailedError):
            self._losses += 1
            return
        self._failures[index] += 1
        if self._failures[index] >= _MAX_FAILURES:
            self._deliver(index, Rejected(reason=EVALUATOR_FAILED_TWICE))
            self._blamed += 1
            self._losses = 0  # this checkpoint caused the earlier losses

    def _next(self) -> int | None:
        """Return the next run whose checkpoint is sent, None if none waits; block only if nothing is sent."""
        if self._all_queued:
            return None
        try:
            index = self._waiting.get(block=not self._sent)
        except queue.Empty:
            return None
        self._all_queued = index is None
        return index

    def _deliver(self, index: int, result: NetworkOutputs | Rejected) -> None:
        """Deliver the result of a checkpoint to the sink."""
        if isinstance(result, Rejected):
            self._sink.reject(index, result.reason)
            self._rejected += 1
        else:
            self._sink.publish_outputs(index, result)
        self._sent.remove(index)
