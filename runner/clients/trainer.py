"""The host's side of a trainer: one container for one job, removed in all cases.

The trainer runs this project's code, but on an organizer's data and with an organizer's
network. Its error messages can contain text from those, so they are sanitized.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Protocol, Self

from runner.clients.channel import Channel, StreamEndedError
from runner.engine.api import Stream
from runner.engine.container_spec import ContainerSpec
from runner.errors import ConfigurationError, HostNotReadyError, SandboxLostError
from runner.progress import Reporter
from runner.sanitize import sanitize_line
from runner.units import duration
from sandbox.protocol.frames import Frame, ProtocolViolationError, Scalar
from sandbox.protocol.jobs import TimingJob, TrainerJob
from sandbox.protocol.messages import from_trainer

_SILENCE_SECONDS: Final = 3600.0
_REASON_CHARACTERS: Final = 600


class ContainerStarter(Protocol):
    """What a session needs of an engine; every `runner.engine.api.Engine` is one."""

    def start(self, spec: ContainerSpec) -> Stream:
        """Start a container."""


class TrainerSession:
    """A trainer container and the conversation with it.

    Entering starts the container, leaving removes it::

        with TrainerSession(engine=engine, spec=spec, ...) as trainer:
            trainer.begin(job)
            trainer.send("data", data, name=name)
            for frame in trainer.frames(until="done"):
                ...
    """

    def __init__(
        self,
        *,
        engine: ContainerStarter,
        spec: ContainerSpec,
        name: str,
        reporter: Reporter,
        refusal: str,
        silence_seconds: float = _SILENCE_SECONDS,
    ) -> None:
        """Prepare; nothing is started yet.

        Args:
            engine: Where the container is started.
            spec: Which container is started.
            name: Name of the challenge, for the reporter.
            reporter: Receives progress.
            refusal: First words of the error message if the trainer rejects its data or network.
            silence_seconds: How long the trainer may send nothing.
        """
        self._engine, self._spec = engine, spec
        self._name, self._reporter, self._refusal = name, reporter, refusal
        self._silence_seconds = silence_seconds

    def __enter__(self) -> Self:
        """Start the container.

        Raises:
            SandboxStartError: the engine refuses or does not answer.
            HostNotReadyError: the image is missing, or the host has too few cores.
        """
        self._stream = self._engine.start(self._spec)
        self._channel = Channel(self._stream, from_trainer())
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the container."""
        self._stream.remove()

    def begin(self, job: TrainerJob | TimingJob) -> None:
        """Send a job and wait until the trainer has it.

        Raises:
            SandboxStartError: the trainer did not become ready.
            HostNotReadyError: the engine has added something to the container.
        """
        self._channel.send("measure" if isinstance(job, TimingJob) else "job", job.to_json())
        self._channel.await_ready(self._spec.placement)

    def send(self, kind: str, payload: bytes, **fields: Scalar) -> None:
        """Send one of the frames that the job announced.

        Raises:
            SandboxLostError: the stream is closed.
        """
        self._channel.send(kind, payload, **fields)

    def cpu_seconds(self) -> float | None:
        """Return how much processor time the container has used; None if that is not known at once."""
        return self._stream.cpu_seconds()

    def frames(
        self, *, until: str, on_progress: Callable[[int], None] = lambda _done: None
    ) -> Iterator[Frame]:
        """Yield all frames but progress, up to and including the first of the kind ``until``.

        Args:
            until: The kind of the last frame.
            on_progress: Called at once with how much is done, before it is reported.

        Raises:
            ConfigurationError: the data or the network cannot be used.
            HostNotReadyError: the container cannot use the device.
            SandboxLostError: the trainer ended early, or sent nothing for too long.
        """
        while True:
            try:
                frame = self._channel.receive(self._silence_seconds)
            except (StreamEndedError, ProtocolViolationError) as error:
                raise SandboxLostError(f"The trainer ended early{self._channel.stderr_suffix()}.") from error
            if frame is None:
                raise SandboxLostError(f"The trainer sent nothing for {duration(self._silence_seconds)}.")
            if frame.kind == "progress":
                on_progress(frame.integer("done"))
                self._report(frame)
            elif frame.kind == "failed":
                raise ConfigurationError(f"{self._refusal}: {_reason(frame)}.")
            elif frame.kind == "unready":
                raise HostNotReadyError(f"The trainer cannot use the device: {_reason(frame)}.")
            else:
                yield frame
                if frame.kind == until:
                    return

    def _report(self, frame: Frame) -> None:
        stage = "original model" if frame.text("stage") == "original" else frame.text("stage")
        self._reporter.count(f"{self._name}: {stage}", frame.integer("done"), frame.integer("total"))


def _reason(frame: Frame) -> str:
    return sanitize_line(frame.text("reason"), _REASON_CHARACTERS)
