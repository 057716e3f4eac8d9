"""Frames over a container's stream, as the host reads and writes them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, Protocol

from runner.engine.api import ContainerExit
from runner.errors import ConfigurationError, HostNotReadyError, SandboxLostError, SandboxStartError
from runner.sanitize import sanitize_line
from sandbox.protocol.frames import Decoder, Frame, FrameRule, ProtocolViolationError, Scalar, encode_header

START_SECONDS: Final = 180.0
_HELP: Final = "With crun and AppArmor, see docs/organizers.md."
_LAST_LOOK_SECONDS: Final = 0.25
"""How long after its deadline a frame that is on its way may still become whole."""
_JOINED_BYTES: Final = 1 << 16


class Stream(Protocol):
    """What a channel needs of a container; `runner.engine.container.Container` is one."""

    @property
    def stderr(self) -> bytes:
        """Return the end of what the container's own programs complained of."""

    def send(self, data: bytes | memoryview) -> None:
        """Write to its stdin."""

    def receive(self, seconds: float) -> bytes | None:
        """Return what came on its stdout; None at the end, b"" after ``seconds``."""

    def kill(self) -> None:
        """End it at once."""

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return how it ended, if that is known."""

    def is_running(self) -> bool:
        """Return whether it is known to run."""

    def remove(self) -> None:
        """Remove it, running or not."""


class StreamEndedError(Exception):
    """The container closed its end."""


class Channel:
    """One conversation with one container."""

    def __init__(
        self,
        stream: Stream,
        rules: Mapping[str, FrameRule],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Accept the frames that ``rules`` names."""
        self.stream, self._clock = stream, clock
        self._decoder = Decoder(rules)
        self._arrived: deque[Frame] = deque()

    def send(self, kind: str, payload: bytes = b"", **fields: Scalar) -> None:
        """Send one frame.

        Raises:
            SandboxLostError: the stream is gone.
        """
        head = encode_header(kind, len(payload), **fields)
        if len(payload) <= _JOINED_BYTES:
            self.stream.send(head + payload)
        else:
            self.stream.send(head)
            self.stream.send(memoryview(payload))

    def receive(self, seconds: float) -> Frame | None:
        """Return the next frame, or None if none is whole after ``seconds``.

        Raises:
            StreamEndedError: the container closed its end.
            ProtocolViolationError: what came is no frame that is allowed.
            SandboxLostError: the connection to the engine broke.
        """
        deadline = self._clock() + seconds
        while not self._arrived:
            data = self.stream.receive(max(0.0, deadline - self._clock()))
            if data is None:
                raise StreamEndedError
            if data:
                self._arrived.extend(self._decoder.feed(data))
            if not self._arrived and self._clock() >= deadline + (_LAST_LOOK_SECONDS if data else 0):
                return None
        return self._arrived.popleft()

    def await_frame(self, seconds: float) -> Frame:
        """Return the next frame of one of our own programs.

        Raises:
            SandboxLostError: the container ended, or nothing came in time.
        """
        try:
            frame = self.receive(seconds)
        except StreamEndedError:
            raise SandboxLostError(f"The container ended early{self.complaint()}.") from None
        if frame is None:
            raise SandboxLostError(f"The container said nothing for {seconds:g} s.")
        return frame

    def await_ready(self) -> float:
        """Wait for the first frame; return the seconds that the container took to load.

        Raises:
            SandboxStartError: it ended, or was not ready in time.
            ConfigurationError: the challenge's network is of no use; the container says why.
            HostNotReadyError: containers on this host are of no use, likewise.
        """
        try:
            frame = self.await_frame(START_SECONDS)
        except SandboxLostError as error:
            raise SandboxStartError(str(error)) from error
        except ProtocolViolationError as error:
            raise SandboxStartError(f"The container began with {error}{self.complaint()}.") from error
        if frame.kind == "unready":
            reason = sanitize_line(frame.text("reason"), 500).removesuffix(".")
            raise ConfigurationError(f"The challenge's network is of no use: {reason}.")
        if frame.kind == "unfit":
            reason = sanitize_line(frame.text("reason"), 500).removesuffix(".")
            raise HostNotReadyError(f"This host cannot run submissions under this runtime: {reason}. {_HELP}")
        if frame.kind != "ready":
            raise SandboxStartError(f"The container began with a {frame.kind} frame.")
        return frame.number("seconds")

    def complaint(self) -> str:
        """Return the last line of the container's stderr, to be added to a sentence."""
        lines = self.stream.stderr.strip().splitlines()
        return f": {sanitize_line(lines[-1])}" if lines else ""
