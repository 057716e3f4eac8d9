"""Checkpoints on their way to the evaluator, in a thread of their own while runs go on."""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from runner.challenge import Challenge
from runner.channel import Stream
from runner.errors import HostNotReadyError, RunnerError, SandboxError
from runner.evaluator import Evaluator, RejectedCheckpointError, to_bytes
from runner.staging import settle, stage
from runner.store import Store

_ROOM: Final = 64
"""Checkpoints that may wait before no new run is started."""
_LOST: Final = 3
"""So often may the evaluator's container be lost before that is given up."""


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
        token: int,
        device: str = "cpu",
    ) -> None:
        """Prepare; nothing is started yet. ``token`` is that of the evaluation's lease."""
        self._start, self._challenge, self._store = start, challenge, store
        self._evaluation, self._checkpoint, self._outputs = evaluation, checkpoint, outputs
        self._keep, self._token, self._device = keep_checkpoints, token, device
        self._current: int | None = None
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
        lost = 0
        try:
            while True:
                try:
                    self._evaluate_all()
                    return
                except SandboxError:
                    lost += 1
                    if lost >= _LOST or self._abandoned.is_set():
                        raise
        except RunnerError as error:
            self._failure = error
        except OSError as error:
            self._failure = HostNotReadyError(f"A checkpoint cannot be read: {error}.")

    def _evaluate_all(self) -> None:
        """Evaluate in one container what comes, beginning with what an earlier one was lost with."""
        container = self._stream = self._start()
        try:
            if self._abandoned.is_set():
                return
            evaluator = Evaluator(stream=container, challenge=self._challenge, device=self._device)
            while not self._abandoned.is_set():
                if self._current is None:
                    self._current = self._waiting.get()
                if self._current is None or self._abandoned.is_set():
                    return
                self._evaluate(evaluator, self._current)
                self._current = None
        finally:
            container.remove()

    def _evaluate(self, evaluator: Evaluator, index: int) -> None:
        file = self._checkpoint(index)
        try:
            outputs = to_bytes(evaluator.outputs(index, file.read_bytes()))
        except RejectedCheckpointError as error:
            self._store.reject(self._evaluation, index, str(error), token=self._token)
        else:
            place, digest = self._outputs(index), hashlib.sha256(outputs).hexdigest()
            stage(place, self._token, outputs)
            self._store.mark_evaluated(self._evaluation, index, outputs_sha256=digest, token=self._token)
            settle(place, self._token)
        if not self._keep:
            file.unlink(missing_ok=True)
