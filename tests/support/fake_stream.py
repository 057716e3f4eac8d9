"""A container's stream in memory, whose container is a script.

`tests/conformance/test_stream.py` holds it to what a real container's stream does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runner.engine.api import ContainerExit
from runner.errors import SandboxLostError
from sandbox.protocol.frames import Decoder, Frame, FrameRule
from sandbox.protocol.messages import TO_WORKER

Answer = tuple[float, bytes | None]
"""Seconds after which the container sends something, and the bytes; None is the end of the stream."""

Script = Callable[[Frame], Iterable[Answer]]
"""What the container sends in answer to a frame of the host."""


class Clock:
    """A clock that moves only while somebody waits by it, however busy the machine is."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


class FakeStream:
    """A stream whose other end is a script; it records what the host does."""

    def __init__(
        self,
        script: Script,
        *,
        ending: ContainerExit | None = None,
        stderr: bytes = b"",
        rules: Mapping[str, FrameRule] = TO_WORKER,
    ) -> None:
        """Answer each frame of the host as ``script`` says.

        Args:
            script: Returns the container's answers to a frame.
            ending: How the engine says that the container ended, once it has.
            stderr: What the container writes to stderr.
            rules: The frames that the host may send.
        """
        self._script, self._ending, self.stderr = script, ending, stderr
        self.clock = Clock()
        self._decoder = Decoder(rules)
        self._answers: deque[Answer] = deque()
        self._ended = False
        self.sent: list[Frame] = []
        """The frames that the host sent."""
        self.running = True
        """What the engine reports of the container until its stream ends."""
        self.frozen = False
        """Whether nothing in it is executed, although the engine reports that it runs."""
        self.stalls_until = 0.0
        """Until then, by the clock, the engine delivers nothing and answers no question about the container."""
        self.late_seconds = 0.0
        """How long the engine takes to answer a question about the container."""
        self.reached_memory_limit: bool | None = None
        """What the engine reports of the container's memory limit."""
        self.out_of_processes = False
        """Whether a group around the container has no room for further processes."""
        self.memory: list[int] = []
        """What the container uses at each look; the last one again and again. Empty: unknown."""
        self.reports: list[int] = [0]
        """How often the engine was told, at each look, that the container had no memory left."""
        self.processor: list[float] = []
        """The processor time that the container has used at each look. Empty: unknown."""
        self.killed = 0
        self.removed = 0

    def send(self, data: bytes | memoryview) -> None:
        """Take what the host writes; a host that breaks the rules of its own stream fails the test."""
        if self.killed or self.removed:
            raise SandboxLostError("The container's stream broke while sending.")
        for frame in self._decoder.feed(data):
            self.sent.append(frame)
            now = self.clock()
            self._answers.extend((now + seconds, answer) for seconds, answer in self._script(frame))

    def receive(self, seconds: float) -> bytes | None:
        """Return the next answer once it is due, or b"" after ``seconds``."""
        deadline = self.clock() + seconds
        if deadline < self.stalls_until:
            self.clock.wait(seconds)
            return b""
        self.clock.wait(max(0.0, self.stalls_until - self.clock()))
        if self._ended:
            return None
        if self._answers and self._answers[0][0] <= deadline:
            due, answer = self._answers.popleft()
            self.clock.wait(max(0.0, due - self.clock()))
            self._ended = answer is None
            return answer
        self.clock.wait(max(0.0, deadline - self.clock()))
        return b""

    def kill(self) -> None:
        """End the stream."""
        self.killed += 1
        self._ended = True

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return what the test says, once the stream has ended."""
        return self._ending if self._ended else None

    def is_running(self) -> bool:
        """Return what the test says, until the stream has ended."""
        self.clock.wait(max(self.late_seconds, self.stalls_until - self.clock()))
        return self.running and not self._ended

    def stood_still(self) -> bool:
        """Return whether the test says that it does not run, or is frozen, or that the engine is slow."""
        asked_at = self.clock()
        return not self.is_running() or self.frozen or self.clock() - asked_at > 1.0

    def has_reached_memory_limit(self) -> bool | None:
        """Return what the test says."""
        return self.reached_memory_limit

    def processes_ran_short(self) -> bool:
        """Return what the test says."""
        return self.out_of_processes

    def memory_bytes(self) -> int | None:
        """Return what the test says, at each look the next."""
        return self.memory.pop(0) if len(self.memory) > 1 else self.memory[0] if self.memory else None

    def memory_reports(self) -> int:
        """Return what the test says, at each look the next."""
        return self.reports.pop(0) if len(self.reports) > 1 else self.reports[0]

    def cpu_seconds(self) -> float | None:
        """Return what the test says, at each look the next."""
        return (
            self.processor.pop(0)
            if len(self.processor) > 1
            else self.processor[0]
            if self.processor
            else None
        )

    def remove(self) -> None:
        """End the stream."""
        self.removed += 1
        self._ended = True

    def sent_fields(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the fields of all frames of one kind that the host sent."""
        return [frame.fields for frame in self.sent if frame.kind == kind]
