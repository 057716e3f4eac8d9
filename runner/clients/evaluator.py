"""The host's side of an evaluator: checkpoints out, outputs in.

Where the test split is held back, the evaluator receives val in its place, so that a checkpoint is
evaluated by the same code; its outputs for that split are dropped.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from runner.challenge.challenge import Challenge
from runner.challenge.outputs import NetworkOutputs, split_outputs
from runner.clients.channel import Channel, StreamEndedError
from runner.engine.api import Stream
from runner.engine.capacity import may_refuse_reservations
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.errors import EvaluatorFailedError, SandboxLostError
from runner.parsers.npz import ArraysError
from sandbox.protocol.frames import Frame, ProtocolViolationError
from sandbox.protocol.jobs import EvaluatorJob
from sandbox.protocol.messages import from_evaluator
from sandbox.protocol.splits import SPLITS

_SILENCE_SECONDS: Final = 900.0
"""Between two batches; an evaluator that is working sends a progress frame every minute."""
_KILLED_FROM_OUTSIDE: Final = (0, 137, 143, 255)
"""Exit codes: the stream was closed, the container was killed, the engine does not know. A network can end
the evaluator with any of them, which cannot be distinguished."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The network cannot be used, and the submission is to blame."""

    reason: str


class EvaluatorClient:
    """An evaluator container that is ready for checkpoints."""

    def __init__(
        self,
        *,
        stream: Stream,
        challenge: Challenge,
        placement: Placement = DEFAULT_PLACEMENT,
        clock: Callable[[], float] = time.monotonic,
        host_may_refuse: Callable[[], bool] = may_refuse_reservations,
    ) -> None:
        """Send the challenge, and wait until the evaluator has loaded it.

        Args:
            stream: Of its container.
            challenge: With all splits.
            placement: Of its container.
            clock: Returns the time, in seconds.
            host_may_refuse: Returns whether the host may refuse memory since others have reserved it.

        Raises:
            SandboxStartError: the container did not become ready.
            ConfigurationError: the challenge's network cannot be used.
            HostNotReadyError: the engine has added something to the container.
        """
        description, self._clock = challenge.description, clock
        self._is_on_gpu, self._host_may_refuse = placement.gpu is not None, host_may_refuse
        self._held_back = description.held_back
        splits = {name: "val" if name == "test" and self._held_back else name for name in SPLITS}
        self._shapes = replace(challenge.output_shapes, unseen=sum(description.class_counts[splits["test"]]))
        self._pending: set[int] = set()
        """Indices of checkpoints that were sent and not answered yet."""
        self._channel = Channel(stream, from_evaluator(outputs_bytes=self._shapes.size_bytes), clock=clock)
        job = EvaluatorJob(
            architecture=description.architecture,
            architecture_source=challenge.architecture_source,
            classes=description.classes,
            device=placement.torch_device,
            probes=description.probes.job_fields() if description.probes is not None else None,
        )
        self._channel.send("job", job.to_json())
        for name, split in splits.items():
            self._channel.send("data", challenge.data(split), name=name)
        self._channel.await_ready(placement)

    def set_concurrency(self, checkpoints: int) -> None:
        """Evaluate so many checkpoints in parallel, a core each; initially it is one, beside the runs."""
        self._channel.send("side_by_side", checkpoints=checkpoints)

    def send(self, index: int, checkpoint: bytes) -> None:
        """Send a checkpoint; it waits in the evaluator while others are evaluated.

        Raises:
            SandboxLostError: the stream is closed.
            ValueError: the checkpoint is still pending.
        """
        if index in self._pending:
            raise ValueError(f"checkpoint {index} has been sent already")
        self._pending.add(index)
        self._channel.send("checkpoint", checkpoint, index=index)

    def receive(self, seconds: float = math.inf) -> tuple[int, NetworkOutputs | Rejected]:
        """Return the index and the result of the pending checkpoint that is answered first.

        Args:
            seconds: Maximum time to wait, whatever progress is reported meanwhile.

        Raises:
            EvaluatorFailedError: the evaluator ended by itself, or did not answer in time.
            SandboxLostError: its container is gone for another reason, or sent something invalid.
        """
        frame = self._await_answer(self._clock() + seconds)
        if frame.kind == "exhausted":
            raise self._exhausted()
        if frame.kind in ("ready", "unready") or frame.integer("index") not in self._pending:
            raise SandboxLostError("The evaluator answered for a checkpoint that is not pending.")
        index = frame.integer("index")
        self._pending.remove(index)
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
                if frame is None:
                    frame = self._channel.receive_held_back()
            except StreamEndedError:
                raise self._ended() from None
            except ProtocolViolationError as error:
                raise SandboxLostError(
                    f"The evaluator sent something other than outputs: {error}."
                ) from error
            if frame is None:
                break
            if frame.kind != "progress":
                return frame
        if self._channel.stream.stood_still():
            raise SandboxLostError("The evaluator's container stood still: paused, frozen, or out of reach.")
        raise EvaluatorFailedError("The evaluator does not answer.")

    def _exhausted(self) -> SandboxLostError:
        """Return the error for an evaluator that was refused memory.

        What other programs use is no fault of a checkpoint, so it is blamed only where they cannot have been
        the cause: on a CPU of this machine whose kernel does not count reservations. There a lack of memory
        is a kill by the kernel, and a request is refused only if it is larger than the whole host.
        """
        if self._is_on_gpu or self._channel.stream.memory_bytes() is None or self._host_may_refuse():
            return SandboxLostError("The evaluator's device has no memory left.")
        return EvaluatorFailedError("The evaluator was refused more memory than this host has.")

    def _ended(self) -> SandboxLostError:
        """Return the error for an evaluator whose stream ended: its own failure, or a loss."""
        ending = self._channel.stream.ending()
        message = f"The evaluator ended early{self._channel.stderr_suffix()}."
        if ending is None or (ending.exit_code in _KILLED_FROM_OUTSIDE and not ending.oom_killed):
            return SandboxLostError(message)
        return EvaluatorFailedError(message)
