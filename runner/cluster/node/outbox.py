"""What a device has made of a share, until it is taken: messages in memory, checkpoints on the disk."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from runner.challenge.outputs import NetworkOutputs
from runner.clients.evaluator import Rejected
from runner.cluster.orders import Delivered, Evaluated, Message
from runner.execution.executor import EvaluatedRun
from runner.parsers.checkpoint import content_sha256

_MAX_WAITING: Final = 8
"""Messages that wait to be taken; then whoever has another one waits too."""
_WAIT_SECONDS: Final = 0.2


class AbortedError(BaseException):
    """The share was aborted."""


class Outbox:
    """Messages of a share, for whoever takes them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._messages: queue.Queue[Message | None] = queue.Queue(_MAX_WAITING)
        self.stopped = threading.Event()
        """No other run is to be started."""
        self.aborted = threading.Event()
        """Nobody takes messages any more."""

    def put(self, message: Message | None) -> None:
        """Add a message, or None at the end, once there is room.

        Raises:
            AbortedError: the share was aborted.
        """
        while True:
            if self.aborted.is_set():
                raise AbortedError
            with contextlib.suppress(queue.Full):
                self._messages.put(message, timeout=_WAIT_SECONDS)
                return

    def messages(self) -> Iterator[Message]:
        """Yield messages as they come, until the end or until the share is aborted."""
        while not self.aborted.is_set():
            with contextlib.suppress(queue.Empty):
                message = self._messages.get(timeout=_WAIT_SECONDS)
                if message is None:
                    return
                yield message


class EvaluatedSink:
    """Keeps checkpoints on the disk until they are evaluated, and then sends their runs."""

    def __init__(self, folder: Path, outbox: Outbox, *, keep_checkpoints: bool) -> None:
        """Keep them in a folder, and send to an outbox."""
        self._folder, self._outbox, self._keep = folder, outbox, keep_checkpoints
        self._runs: dict[int, EvaluatedRun] = {}
        """Ended, without their checkpoints."""

    def add(self, index: int, checkpoint: bytes, run: EvaluatedRun | None = None) -> None:
        """Keep the checkpoint of a run that has just ended, or of one of which only the checkpoint came."""
        self._file(index).write_bytes(checkpoint)
        if run is not None:
            self._runs[index] = replace(run, ended=replace(run.ended, checkpoint=b""))

    def read_checkpoint(self, index: int) -> bytes:
        """Return the checkpoint of a run."""
        return self._file(index).read_bytes()

    def publish_outputs(self, index: int, outputs: NetworkOutputs) -> None:
        """Send a run, or the outputs of its checkpoint."""
        self._send(index, outputs)

    def reject(self, index: int, reason: str) -> None:
        """Send that the network of a run cannot be used."""
        self._send(index, Rejected(reason=reason))

    def _send(self, index: int, outputs: NetworkOutputs | Rejected) -> None:
        run = self._runs.pop(index, None)
        if run is None:
            self._outbox.put(Evaluated(index, outputs))
        else:
            checkpoint = self.read_checkpoint(index)
            run = replace(run, outputs=outputs, checkpoint_sha256=content_sha256(checkpoint))
            if self._keep:
                run = replace(run, ended=replace(run.ended, checkpoint=checkpoint))
            self._outbox.put(Delivered(run))
        self._file(index).unlink()

    def _file(self, index: int) -> Path:
        return self._folder / str(index)
