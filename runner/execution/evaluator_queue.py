"""Checkpoints on their way to the evaluator, in a thread of their own while runs go on.

One more is sent than can be evaluated at once, so that none waits for the stream. While runs go on
that is one at a time, on one core, or it would slow them: their limits are wall time. When they are over,
it is as many as the evaluator has cores, and memory, for (`runner.engine.container_spec.evaluator_concurrency`).

An evaluator that fails may have failed through a checkpoint: an organizer's own network may end its process
with some weights, or never answer. Every evaluator is given the original network first, which shows that it
works and how long it takes. Those that an evaluator was lost with are given to the next one by one. What two
fail with by itself is the submission's fault; from then on all are given one by one. Losses that come from
outside are nobody's but ours.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, pack_outputs
from runner.clients.channel import Stream
from runner.clients.evaluator import EvaluatorClient, Rejected
from runner.errors import EvaluatorFailedError, HostNotReadyError, RunnerError, SandboxError, SandboxLostError
from runner.store.staged_files import commit_file, stage_file
from runner.store.store import Store

_ROOM: Final = 64
"""Checkpoints that may wait before no new run is started."""
_LOST: Final = 3
"""So often may the evaluator's container be lost, and no checkpoint be to blame, before that is given up."""
_FAILED_WITH: Final = 2
"""So many fail with a checkpoint by itself before that is to blame."""
_PATIENCE: Final = 20.0
"""So many times what the original network takes may a checkpoint take: the machine has other work too."""
_LEAST_SECONDS: Final = 60.0
"""And so long at least."""
_ORIGINAL: Final = -1
"""In the place of a run's index."""
EVALUATOR_FAILED_TWICE: Final = "two evaluators failed with it by itself, and not with the original network"


def _most(seconds: float) -> float:
    """Return how long a checkpoint may take where the original network took so many seconds."""
    return max(_LEAST_SECONDS, _PATIENCE * seconds)


class EvaluatorQueue:
    """The checkpoints of one evaluation that wait for their outputs.

    Use as a context manager: entering starts the evaluator's container, leaving removes it.
    """

    def __init__(
        self,
        *,
        start: Callable[[], Stream],
        challenge: Challenge,
        store: Store,
        evaluation: str,
        checkpoint: Callable[[int], Path],
        outputs: Callable[[int], Path],
        keep_checkpoints: bool,
        token: int,
        device: str = "cpu",
        cores: int = 1,
        keep_going: bool = True,
        evaluator: Callable[..., EvaluatorClient] = EvaluatorClient,
    ) -> None:
        """Prepare; nothing is started yet. ``token`` is that of the evaluation's lease.

        The evaluator uses one of its ``cores`` while runs go on, and all once they are over. Without
        ``keep_going`` nothing more is evaluated once evaluators have failed with a checkpoint: the
        evaluation has failed, and each of the others might take as long.
        """
        self._start, self._challenge, self._store = start, challenge, store
        self._evaluation, self._checkpoint, self._outputs = evaluation, checkpoint, outputs
        self._keep, self._token, self._device = keep_checkpoints, token, device
        self._cores = cores if device == "cpu" else 1
        self._keep_going, self._evaluator = keep_going, evaluator
        self._sent: list[int] = []
        """Sent to an evaluator and not done: if that is lost, another one gets them."""
        self._by_itself: int | None = None
        """Which of them the evaluator has by itself."""
        self._failures: Counter[int] = Counter()
        """How many evaluators have failed with each by itself."""
        self._lost = 0
        self._refused = 0
        self._blamed = 0
        self._all_came = False
        self._runs_are_over = threading.Event()
        self._waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        self._stream: Stream | None = None
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._work, name="evaluator", daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; what still waits is left for another command."""
        self._abandoned.set()
        self._waiting.put(None)
        if kind is not None and self._stream is not None:
            self._stream.kill()  # nobody waits for its answer any more
        self._thread.join()

    def add(self, index: int) -> None:
        """Hand over the checkpoint of a run, which is on disk."""
        self._waiting.put(index)

    def has_room(self) -> bool:
        """Return whether so few wait that another run may be started."""
        return self._waiting.qsize() < _ROOM or not self._thread.is_alive()

    @property
    def refused(self) -> int:
        """Return how many checkpoints turned out to be of no use."""
        return self._refused

    def finish(self) -> None:
        """Wait until nothing waits any more.

        Raises:
            RunnerError: the evaluator failed; checkpoints that are left stay on disk.
        """
        self._runs_are_over.set()
        self._waiting.put(None)
        while self._thread.is_alive():
            self._thread.join(0.2)  # in portions, so that Ctrl-C is heard
        self.raise_if_failed()

    def raise_if_failed(self) -> None:
        """Pass on what went wrong in the thread, if anything has."""
        if self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            while self._sent or not self._all_came:
                try:
                    self._evaluate_all()
                except SandboxError as error:
                    if self._abandoned.is_set():
                        raise  # it may be we who ended it
                    self._note_loss(error)
                    if self._lost >= _LOST:
                        raise
                if self._abandoned.is_set() or (self._blamed and not self._keep_going):
                    return
        except RunnerError as error:
            self._failure = error
        except OSError as error:
            self._failure = HostNotReadyError(f"A checkpoint cannot be read: {error}.")
        except BaseException as error:  # noqa: BLE001 - it would be lost with the thread, and all seem done
            self._failure = error

    def _evaluate_all(self) -> None:
        """Evaluate in one container what comes, beginning with what an earlier one was lost with."""
        container = self._stream = self._start()
        try:
            if self._abandoned.is_set():
                return
            evaluator = self._evaluator(stream=container, challenge=self._challenge, device=self._device)
            seconds = self._time_original(evaluator)
            for sent in tuple(self._sent):
                self._evaluate_by_itself(evaluator, sent, seconds)
            at_once = 1
            while not self._abandoned.is_set():
                if self._blamed:
                    if (index := self._next()) is None:
                        return
                    self._sent.append(index)
                    self._evaluate_by_itself(evaluator, index, seconds)
                    continue
                if self._runs_are_over.is_set() and at_once < self._cores:
                    at_once = self._cores
                    evaluator.side_by_side(at_once)
                if len(self._sent) <= at_once and (index := self._next()) is not None:
                    self._sent.append(index)
                    evaluator.send(index, self._checkpoint(index).read_bytes())
                elif self._sent:
                    self._take(*evaluator.receive(len(self._sent) * _most(seconds)))
                else:
                    return
        finally:
            container.remove()

    def _time_original(self, evaluator: EvaluatorClient) -> float:
        """Return how many seconds the original network takes, or find that the evaluator does not work."""
        evaluator.send(_ORIGINAL, self._challenge.data("original"))
        begun = time.monotonic()
        _, found = evaluator.receive()
        if isinstance(found, Rejected):
            raise SandboxLostError(f"The evaluator refuses the original network: {found.reason}.")
        return time.monotonic() - begun

    def _evaluate_by_itself(self, evaluator: EvaluatorClient, index: int, seconds: float) -> None:
        """Evaluate a checkpoint beside no other, in an evaluator that the original took ``seconds`` in."""
        evaluator.send(index, self._checkpoint(index).read_bytes())
        self._by_itself = index
        self._take(*evaluator.receive(_most(seconds)))
        self._by_itself = None

    def _note_loss(self, error: SandboxError) -> None:
        """Count a loss for the checkpoint that the evaluator had by itself, or else for us."""
        index, self._by_itself = self._by_itself, None
        if index is None or not isinstance(error, EvaluatorFailedError):
            self._lost += 1
            return
        self._failures[index] += 1
        if self._failures[index] >= _FAILED_WITH:
            self._take(index, Rejected(reason=EVALUATOR_FAILED_TWICE))
            self._blamed += 1
            self._lost = 0  # what was lost before was lost through it

    def _next(self) -> int | None:
        """Return whose checkpoint to send next, None if there is none; wait only if nothing else is to do."""
        if self._all_came:
            return None
        try:
            index = self._waiting.get(block=not self._sent)
        except queue.Empty:
            return None
        self._all_came = index is None
        return index

    def _take(self, index: int, found: NetworkOutputs | Rejected) -> None:
        """Keep and note what has come of a checkpoint, which is then done."""
        if isinstance(found, Rejected):
            self._store.reject(self._evaluation, index, found.reason, token=self._token)
            self._refused += 1
        else:
            outputs = pack_outputs(found)
            place, digest = self._outputs(index), hashlib.sha256(outputs).hexdigest()
            stage_file(place, self._token, outputs)
            self._store.mark_evaluated(self._evaluation, index, outputs_sha256=digest, token=self._token)
            commit_file(place, self._token)
        if not self._keep:
            self._checkpoint(index).unlink(missing_ok=True)
        self._sent.remove(index)
