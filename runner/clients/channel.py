"""Send and receive frames over a container's stream."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from runner.clients.surroundings import require_closed
from runner.engine.api import Stream
from runner.engine.placement import DEFAULT_PLACEMENT, Placement
from runner.errors import ConfigurationError, HostNotReadyError, SandboxLostError, SandboxStartError
from runner.sanitize import sanitize_line
from sandbox.protocol.frames import Decoder, Frame, FrameRule, ProtocolViolationError, Scalar, encode_header

START_SECONDS: Final = 180.0
_HELP: Final = "With crun and AppArmor, see docs/organizers.md."
_GRACE_SECONDS: Final = 0.25
"""How long after the deadline the rest of a frame that has begun to arrive is waited for."""
_ANSWER_SECONDS: Final = 1.0
"""An engine that takes longer to say how a container is may have held its frames back until then."""
_PATIENCE_SECONDS: Final = 60.0
"""How long an engine is asked until it answers in time again."""
_REASON_CHARACTERS: Final = 500
_JOINED_BYTES: Final = 1 << 16
"""Header and payload are sent in one piece up to this size; beyond it the payload is not copied."""


class StreamEndedError(Exception):
    """The container closed its end of the stream."""


class Channel:
    """A conversation in frames with one container."""

    def __init__(
        self,
        stream: Stream,
        rules: Mapping[str, FrameRule],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Accept from the container only the frames that ``rules`` names."""
        self.stream, self._clock = stream, clock
        self._decoder = Decoder(rules)
        self._arrived: deque[Frame] = deque()

    def send(self, kind: str, payload: bytes = b"", **fields: Scalar) -> None:
        """Send one frame.

        Raises:
            SandboxLostError: the stream is closed.
        """
        head = encode_header(kind, len(payload), **fields)
        if len(payload) <= _JOINED_BYTES:
            self.stream.send(head + payload)
        else:
            self.stream.send(head)
            self.stream.send(memoryview(payload))

    def receive(self, seconds: float) -> Frame | None:
        """Return the next frame, or None if no complete frame has arrived after ``seconds``.

        Raises:
            StreamEndedError: the container closed its end.
            ProtocolViolationError: the container sent something that ``rules`` does not allow.
            SandboxLostError: the connection to the engine broke.
        """
        deadline = self._clock() + seconds
        while not self._arrived:
            data = self.stream.receive(max(0.0, deadline - self._clock()))
            if data is None:
                raise StreamEndedError
            if data:
                self._arrived.extend(self._decoder.feed(data))
            if not self._arrived and self._clock() >= deadline + (_GRACE_SECONDS if data else 0):
                return None
        return self._arrived.popleft()

    def receive_held_back(self) -> Frame | None:
        """Return a frame that arrives once a slow engine answers in time again, after a wait for one.

        Returns:
            None at once if the engine answers in time, or says that the container does not run: then it has
            held nothing back. None too if it goes on answering late, or is back and nothing arrives.

        Raises:
            StreamEndedError: the container closed its end.
            ProtocolViolationError: the container sent something that ``rules`` does not allow.
            SandboxLostError: the connection to the engine broke.
        """
        was_late, asked_at = False, self._clock()
        until = asked_at + _PATIENCE_SECONDS
        while self.stream.is_running():
            is_late = self._clock() - asked_at > _ANSWER_SECONDS
            was_late = was_late or is_late
            if not was_late:
                return None
            frame = self.receive(0.0 if is_late else _ANSWER_SECONDS)
            asked_at = self._clock()
            if frame is not None or not is_late or asked_at > until:
                return frame
        return None

    def await_frame(self, seconds: float) -> Frame:
        """Return the next frame of a program of this project, which owes one.

        Raises:
            SandboxLostError: the container ended, or sent nothing in time.
        """
        try:
            frame = self.receive(seconds)
        except StreamEndedError:
            raise SandboxLostError(f"The container ended early{self.stderr_suffix()}.") from None
        if frame is None:
            raise SandboxLostError(f"The container sent nothing for {seconds:g} s.")
        return frame

    def await_ready(self, placement: Placement = DEFAULT_PLACEMENT) -> float:
        """Wait for the first frame; return the seconds that the container took to load.

        Args:
            placement: Of the container, which decides what may stand in it.

        Raises:
            SandboxStartError: the container ended, or was not ready in time.
            ConfigurationError: the challenge's network cannot be used; the container reports why.
            HostNotReadyError: submissions cannot be run on this host; the container reports why. Or the
                engine has added something to the container that does not belong there.
        """
        try:
            frame = self.await_frame(START_SECONDS)
        except SandboxLostError as error:
            raise SandboxStartError(str(error)) from error
        except ProtocolViolationError as error:
            raise SandboxStartError(
                f"The container's first bytes are no valid frame: {error}{self.stderr_suffix()}."
            ) from error
        if frame.kind == "unready":
            raise ConfigurationError(f"The challenge's network cannot be used: {_reason(frame)}.")
        if frame.kind == "unfit":
            raise HostNotReadyError(
                f"This host cannot run submissions under this runtime: {_reason(frame)}. {_HELP}"
            )
        if frame.kind != "ready":
            raise SandboxStartError(f"The container's first frame was {frame.kind}, not ready.")
        require_closed(frame.payload, placement)
        return frame.number("seconds")

    def stderr_suffix(self) -> str:
        """Return the last line of the container's stderr, formatted for the end of an error message."""
        lines = self.stream.stderr.strip().splitlines()
        return f": {sanitize_line(lines[-1])}" if lines else ""


def _reason(frame: Frame) -> str:
    return sanitize_line(frame.text("reason"), _REASON_CHARACTERS).removesuffix(".")
