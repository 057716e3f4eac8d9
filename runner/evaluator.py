"""The host's side of an evaluator: checkpoints out, outputs in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner import arrays
from runner.challenge import Challenge
from runner.channel import Channel, Stream
from runner.errors import SandboxLostError
from runner.files import write_whole
from sandbox.jobs import SPLITS, EvaluatorJob
from sandbox.messages import from_evaluator
from sandbox.protocol import ProtocolViolationError

_OUTPUTS_SECONDS: Final = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutputs:
    """What the evaluator computed from one checkpoint."""

    logits: NDArray[np.float32]
    """On the forget examples. Shape [examples, classes]."""
    correct: NDArray[np.int64]
    """Right answers by split and class. Shape [4, classes]."""


class RejectedCheckpointError(Exception):
    """The network cannot be used, through the submission's fault; the text says why."""


class Evaluator:
    """An evaluator container that is ready for checkpoints."""

    def __init__(self, *, stream: Stream, challenge: Challenge, device: str = "cpu") -> None:
        """Send the challenge and wait until the evaluator has it.

        Raises:
            SandboxStartError: the container did not come to work.
        """
        said = challenge.description
        self._examples, self._classes = len(challenge.forget_labels), said.classes
        self._logit_bytes = 4 * self._examples * self._classes
        self._count_bytes = 8 * len(SPLITS) * self._classes
        outputs_bytes = self._logit_bytes + self._count_bytes
        self._channel = Channel(stream, from_evaluator(outputs_bytes=outputs_bytes))
        job = EvaluatorJob(architecture=said.architecture, classes=said.classes, device=device, threads=1)
        self._channel.send("job", job.to_json())
        for name in SPLITS:
            self._channel.send("data", challenge.data(name), name=name)
        self._channel.await_ready()

    def outputs(self, index: int, checkpoint: bytes) -> RunOutputs:
        """Return the outputs of a checkpoint.

        Raises:
            RejectedCheckpointError: the network's answers are not finite.
            SandboxLostError: the evaluator failed; it runs our own code.
        """
        self._channel.send("checkpoint", checkpoint, index=index)
        try:
            frame = self._channel.await_frame(_OUTPUTS_SECONDS)
        except ProtocolViolationError as error:
            raise SandboxLostError(f"The evaluator sent something else than outputs: {error}.") from error
        if frame.kind == "ready" or frame.integer("index") != index:
            raise SandboxLostError("The evaluator answered another question.")
        if frame.kind == "rejected":
            raise RejectedCheckpointError(frame.text("reason"))
        if len(frame.payload) != self._logit_bytes + self._count_bytes:
            raise SandboxLostError("The evaluator sent outputs of the wrong size.")
        logits = np.frombuffer(frame.payload[: self._logit_bytes], dtype="<f4")
        correct = np.frombuffer(frame.payload[self._logit_bytes :], dtype="<i8")
        return RunOutputs(
            logits=logits.reshape(self._examples, self._classes).astype(np.float32),
            correct=correct.reshape(len(SPLITS), self._classes).astype(np.int64),
        )


def to_bytes(outputs: RunOutputs) -> bytes:
    """Return outputs as they are kept: the same bytes for the same outputs."""
    return arrays.pack(logits=outputs.logits, correct=outputs.correct)


def save(outputs: RunOutputs, file: Path) -> None:
    """Write outputs, whole or not at all."""
    write_whole(file, to_bytes(outputs))


def load(file: Path, *, examples: int, classes: int) -> RunOutputs | None:
    """Read what `save` wrote; None if it is not there or not what it should be."""
    try:
        found = arrays.unpack(file.read_bytes(), ("logits", "correct"))
    except (OSError, arrays.ArraysError):
        return None
    logits, correct = found["logits"], found["correct"]
    if logits.shape != (examples, classes) or correct.shape != (len(SPLITS), classes):
        return None
    if logits.dtype != np.float32 or correct.dtype != np.int64 or not np.isfinite(logits).all():
        return None
    return RunOutputs(logits=logits, correct=correct)
