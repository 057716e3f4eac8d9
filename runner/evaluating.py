"""Checkpoints on their way to the evaluator, in a thread of their own while runs go on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runner.challenge import Challenge
from runner.channel import Stream
from runner.errors import HostNotReadyError, RunnerError
from runner.evaluator import Evaluator, RejectedCheckpointError, save
from runner.store import Store

_ROOM: Final = 64
"""Checkpoints that may wait before no new run is started."""


class Backlog:
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
        device: str = "cpu",
    ) -> None:
        """Prepare; nothing is started yet."""
        self._start, self._challenge, self._store = start, challenge, store
        self._evaluation, self._checkpoint, self._outputs = evaluation, checkpoint, outputs
        self._keep, self._device = keep_checkpoints, device
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
        return self._failure is not None or self._waiting.qsize() < _ROOM

    def finish(self) -> None:
        """Wait until nothing waits any more.

        Raises:
            RunnerError: the evaluator failed; checkpoints that are left stay on disk.
        """
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
            container = self._stream = self._start()
            try:
                evaluator = Evaluator(stream=container, challenge=self._challenge, device=self._device)
                while (index := self._waiting.get()) is not None and not self._abandoned.is_set():
                    self._evaluate(evaluator, index)
            finally:
                container.remove()
        except RunnerError as error:
            self._failure = error
        except OSError as error:
            self._failure = HostNotReadyError(f"A checkpoint cannot be read: {error}.")

    def _evaluate(self, evaluator: Evaluator, index: int) -> None:
        file = self._checkpoint(index)
        try:
            save(evaluator.outputs(index, file.read_bytes()), self._outputs(index))
            self._store.mark_evaluated(self._evaluation, index)
        except RejectedCheckpointError as error:
            self._store.reject(self._evaluation, index, str(error))
        if not self._keep:
            file.unlink(missing_ok=True)
