"""The host's side of an evaluator: checkpoints out, outputs in.

Where the test split is held back, the evaluator is given val in its place, so that a checkpoint is
judged by the same code; what it says of that split is dropped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, split_outputs
from runner.clients.channel import Channel, Stream, StreamEndedError
from runner.errors import EvaluatorFailedError, SandboxLostError
from runner.parsers.npz import ArraysError
from sandbox.protocol.frames import Frame, ProtocolViolationError
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import from_evaluator
from sandbox.protocol.splits import SPLITS

_SILENCE_SECONDS: Final = 900.0
"""Between two batches; an evaluator that works says so every minute."""
_KILLED_FROM_OUTSIDE: Final = (0, 137, 143, 255)
"""Exit codes: its stream was closed, it was killed, the engine does not know. A network's own are not told
from these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The network cannot be used, through the submission's fault."""

    reason: str


class EvaluatorClient:
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
        self._held_back = said.held_back
        sent = {name: "val" if name == "test" and self._held_back else name for name in SPLITS}
        self._shapes = replace(challenge.output_shapes, unseen=sum(said.class_counts[sent["test"]]))
        self._sent: set[int] = set()
        """Whose outputs have not come yet."""
        self._channel = Channel(stream, from_evaluator(outputs_bytes=self._shapes.size_bytes), clock=clock)
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

    def receive(self, seconds: float = math.inf) -> tuple[int, NetworkOutputs | Rejected]:
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
            outputs = split_outputs(frame.payload, self._shapes)
        except ArraysError as error:
            raise SandboxLostError("The evaluator sent outputs of the wrong size.") from error
        if self._held_back:
            correct = outputs.correct.copy()
            correct[SPLITS.index("test")] = 0
            outputs = replace(outputs, correct=correct, unseen_losses=outputs.unseen_losses[:0])
        return index, outputs

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
