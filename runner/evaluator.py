"""The host's side of an evaluator: checkpoints out, outputs in.

Where the test split is held back, the evaluator is given val in its place, so that a checkpoint is
judged by the same code; what it says of that split is dropped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from runner import arrays
from runner.challenge import Challenge
from runner.channel import Channel, Stream, StreamEndedError
from runner.description import OUTPUTS
from runner.errors import SandboxLostError
from runner.files import write_whole
from sandbox.jobs import SPLITS, EvaluatorJob
from sandbox.messages import from_evaluator
from sandbox.protocol import Frame, ProtocolViolationError

_SILENCE_SECONDS: Final = 900.0
"""Between two batches; an evaluator that works says so every minute."""
_KILLED_FROM_OUTSIDE: Final = (0, 137, 143, 255)
"""Exit codes: its stream was closed, it was killed, the engine does not know. A network's own are not told
from these."""


class EvaluatorFailedError(SandboxLostError):
    """It ended by itself, or runs and does not answer: perhaps through a checkpoint that it was sent.

    Whatever else becomes of an evaluator has been done from outside, or is ours.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOutputs:
    """What the evaluator computed from one checkpoint."""

    logits: NDArray[np.float32]
    """On the forget examples. Shape [examples, classes]."""
    correct: NDArray[np.int64]
    """Right answers by split and class; 0 for a split that is held back. Shape [4, classes]."""
    unseen_losses: NDArray[np.float32]
    """Cross-entropy of each test example, none where they are held back. Shape [test examples]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The network cannot be used, through the submission's fault."""

    reason: str


class Evaluator:
    """An evaluator container that is ready for checkpoints."""

    def __init__(
        self,
        *,
        stream: Stream,
        challenge: Challenge,
        device: str = "cpu",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Send the challenge and wait until the evaluator has it.

        Raises:
            SandboxStartError: the container did not come to work.
        """
        said, self._clock = challenge.description, clock
        self._examples, self._classes = len(challenge.forget_labels), said.classes
        self._held_back = said.held_back
        sent = {name: "val" if name == "test" and self._held_back else name for name in SPLITS}
        self._unseen = sum(said.class_counts[sent["test"]])
        outputs_bytes = 4 * (self._examples * self._classes + self._unseen) + 8 * len(SPLITS) * self._classes
        self._sent: set[int] = set()
        """Whose outputs have not come yet."""
        self._channel = Channel(stream, from_evaluator(outputs_bytes=outputs_bytes), clock=clock)
        job = EvaluatorJob(
            architecture=said.architecture,
            architecture_source=challenge.architecture_source,
            classes=said.classes,
            device=device,
        )
        self._channel.send("job", job.to_json())
        for name, split in sent.items():
            self._channel.send("data", challenge.data(split), name=name)
        self._channel.await_ready()

    def side_by_side(self, checkpoints: int) -> None:
        """Let it evaluate so many at a time, each on a core; at first it is one, beside the runs."""
        self._channel.send("side_by_side", checkpoints=checkpoints)

    def send(self, index: int, checkpoint: bytes) -> None:
        """Send a checkpoint, which waits there if others are being evaluated.

        Raises:
            SandboxLostError: the evaluator is gone.
        """
        if index in self._sent:
            raise ValueError(f"checkpoint {index} has been sent already")
        self._sent.add(index)
        self._channel.send("checkpoint", checkpoint, index=index)

    def receive(self, seconds: float = math.inf) -> tuple[int, RunOutputs | Rejected]:
        """Return what has come of a checkpoint that was sent, whichever is first.

        Args:
            seconds: How long to wait at most, whatever it says meanwhile.

        Raises:
            EvaluatorFailedError: it ended by itself, or did not answer in time.
            SandboxLostError: it is gone otherwise, or said what it never says.
        """
        frame = self._await_answer(self._clock() + seconds)
        if frame.kind == "exhausted":
            raise SandboxLostError("The evaluator's device has no memory left.")
        if frame.kind in ("ready", "unready") or frame.integer("index") not in self._sent:
            raise SandboxLostError("The evaluator answered another question.")
        index = frame.integer("index")
        self._sent.remove(index)
        if frame.kind == "rejected":
            return index, Rejected(reason=frame.text("reason"))
        try:
            found = arrays.divide(
                frame.payload,
                logits=("<f4", (self._examples, self._classes)),
                correct=("<i8", (len(SPLITS), self._classes)),
                unseen_losses=("<f4", (self._unseen,)),
            )
        except arrays.ArraysError as error:
            raise SandboxLostError("The evaluator sent outputs of the wrong size.") from error
        correct, losses = found["correct"].astype(np.int64), found["unseen_losses"].astype(np.float32)
        if self._held_back:
            correct[SPLITS.index("test")] = 0
            losses = losses[:0]
        return index, RunOutputs(
            logits=found["logits"].astype(np.float32), correct=correct, unseen_losses=losses
        )

    def _await_answer(self, deadline: float) -> Frame:
        while (left := min(_SILENCE_SECONDS, deadline - self._clock())) > 0:
            try:
                frame = self._channel.receive(left)
            except StreamEndedError:
                raise self._ended() from None
            except ProtocolViolationError as error:
                raise SandboxLostError(f"The evaluator sent something else than outputs: {error}.") from error
            if frame is None:
                break
            if frame.kind != "progress":
                return frame
        if not self._channel.stream.is_running():
            raise SandboxLostError("The evaluator's container is gone.")
        raise EvaluatorFailedError("The evaluator does not answer.")

    def _ended(self) -> SandboxLostError:
        ending = self._channel.stream.ending()
        sentence = f"The evaluator ended early{self._channel.complaint()}."
        if ending is None or (ending.exit_code in _KILLED_FROM_OUTSIDE and not ending.oom_killed):
            return SandboxLostError(sentence)
        return EvaluatorFailedError(sentence)


def to_bytes(outputs: RunOutputs) -> bytes:
    """Return outputs as they are kept: the same bytes for the same outputs."""
    return arrays.pack(**{name: getattr(outputs, name) for name in OUTPUTS})


def save(outputs: RunOutputs, file: Path) -> None:
    """Write outputs, whole or not at all."""
    write_whole(file, to_bytes(outputs))


def load(file: Path, *, examples: int, classes: int, unseen: int) -> RunOutputs | None:
    """Read what `save` wrote; None if it is not there or not what it should be."""
    try:
        found = arrays.unpack(file.read_bytes(), OUTPUTS)
    except (OSError, arrays.ArraysError):
        return None
    kinds = [(found[name].dtype.str, found[name].shape) for name in OUTPUTS]
    if kinds != [("<f4", (examples, classes)), ("<i8", (len(SPLITS), classes)), ("<f4", (unseen,))]:
        return None
    if not all(np.isfinite(found[name]).all() for name in OUTPUTS):
        return None
    return RunOutputs(**found)
