"""A running container over Docker's API: its streams, its end, its removal."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from typing import Any, Final

import docker
import docker.errors

from runner.engine.api import ContainerExit
from runner.engine.control_groups import ControlGroup, control_group, memory_bytes, processor_seconds
from runner.engine.docker_connection import CALL_SECONDS, ENGINE_ERRORS
from runner.engine.outer_groups import (
    LARGEST_REQUEST_BYTES,
    OuterMemory,
    OuterProcesses,
    has_peak,
    has_reached_limit,
)
from runner.errors import SandboxLostError

_STREAM_HEAD: Final = struct.Struct(">BxxxI")
_STDOUT, _STDERR = 1, 2
_READ_BYTES: Final = 1 << 20
_STANDSTILL_SECONDS: Final = 0.4
"""A supervisor wakes several times in this time while a run is in progress."""
_ANSWER_SECONDS: Final = 1.0
"""An engine that takes longer to say how a container is was out of reach before, and held its frames back."""
_STDERR_BYTES: Final = 1 << 16
"""How many bytes of the end of stderr are stored."""


class DockerContainer:
    """A container that was started over Docker's API (`runner.engine.api.Container`)."""

    def __init__(self, api: docker.APIClient, identity: str, stream: Any) -> None:  # noqa: ANN401 - docker-py's socket has no type
        """Wrap an attached container."""
        self._api, self.identity, self._stream = api, identity, stream
        self._socket: socket.socket = getattr(stream, "_sock", stream)
        self._buffer = bytearray()
        self._part: tuple[int, int] | None = None
        self._stderr = bytearray()
        self._memory: ControlGroup | None = None
        self._processor: ControlGroup | None = None
        self._outer_memory: OuterMemory | None = None
        self._outer_processes: OuterProcesses | None = None
        self._has_looked_for_groups = False
        self._socket.settimeout(CALL_SECONDS)

    @property
    def stderr(self) -> bytes:
        """Return the end of what the container wrote to stderr."""
        return bytes(self._stderr)

    def send(self, data: bytes | memoryview) -> None:
        """Write to the container's stdin, waiting until it is accepted.

        Raises:
            SandboxLostError: the stream is closed.
        """
        try:
            self._socket.settimeout(CALL_SECONDS)
            self._socket.sendall(data)
        except OSError as error:
            raise SandboxLostError(f"The container's stream broke while sending: {error}.") from error

    def receive(self, seconds: float) -> bytes | None:
        """Return what came on stdout: None at the end of the stream, b"" after ``seconds``.

        Raises:
            SandboxLostError: the connection to the engine broke.
        """
        deadline = time.monotonic() + seconds
        while True:
            data = self._next_part()
            if data:
                return data
            try:
                self._socket.settimeout(max(0.001, deadline - time.monotonic()))
                arrived = self._socket.recv(_READ_BYTES)
            except TimeoutError:
                return b""
            except OSError as error:
                raise SandboxLostError(f"The connection to the engine broke: {error}.") from error
            if not arrived:
                return None
            self._buffer += arrived

    def _next_part(self) -> bytes:
        """Return stdout from the engine's multiplexed stream; store the end of stderr."""
        out = bytearray()
        while self._buffer:
            if self._part is None:
                if len(self._buffer) < _STREAM_HEAD.size:
                    break
                self._part = _STREAM_HEAD.unpack_from(self._buffer)
                del self._buffer[: _STREAM_HEAD.size]
            channel, left = self._part
            data = self._buffer[:left]
            del self._buffer[:left]
            if channel == _STDOUT:
                out += data
            elif channel == _STDERR:
                self._stderr += data
                del self._stderr[:-_STDERR_BYTES]
            self._part = (channel, left - len(data)) if len(data) < left else None
        return bytes(out)

    def kill(self) -> None:
        """End every process of the container at once; no error if it has ended already.

        Its stream is closed too, even while another thread writes to it: otherwise the engine would wait for
        ever for a reader that no longer exists.
        """
        with contextlib.suppress(*ENGINE_ERRORS):
            self._api.kill(self.identity)
        with contextlib.suppress(*ENGINE_ERRORS):
            self._socket.shutdown(socket.SHUT_RDWR)

    def ending(self, seconds: float = 10.0) -> ContainerExit | None:
        """Return how it ended; None if it has not after ``seconds``, or if that is not known.

        That it was killed for memory does not count where memory ran out around it, and not in it.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                state = self._api.inspect_container(self.identity)["State"]
            except ENGINE_ERRORS:
                return None
            if not state["Running"]:
                oom_killed = bool(state["OOMKilled"]) and not self._ran_short_around()
                return ContainerExit(exit_code=int(state["ExitCode"]), oom_killed=oom_killed)
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)

    def is_running(self) -> bool:
        """Return whether the engine answers and reports that it runs, and is not paused."""
        try:
            state = self._api.inspect_container(self.identity)["State"]
        except ENGINE_ERRORS:
            return False
        return bool(state["Running"]) and not state.get("Paused", False)

    def stood_still(self) -> bool:
        """Return whether nothing in it is executed: paused, frozen, ended, or out of the engine's reach.

        An engine that answers late was out of reach until then: what the container wrote meanwhile may not
        have arrived, so its silence says nothing.
        """
        asked_at = time.monotonic()
        if not self.is_running() or time.monotonic() - asked_at > _ANSWER_SECONDS:
            return True
        try:
            before = self._use_of_processors()
            time.sleep(_STANDSTILL_SECONDS)
            return before[0] is not None and before == self._use_of_processors()
        except ENGINE_ERRORS:
            return True

    def _use_of_processors(self) -> tuple[int | None, int | None]:
        """Return the processor time used, and in how many periods it had to wait since its share was used up.

        Since Linux 6.18 a long system call may use more than the share; all of the container then waits for
        as long as that lasts. It stands still by what ran in it, so that is no fault of the host.

        Returns:
            None in place of what the engine does not report.

        Raises:
            Exception: one of `ENGINE_ERRORS`, if the engine does not answer.
        """
        try:
            statistics = self._api.stats(self.identity, stream=False, one_shot=True)
        except docker.errors.APIError:  # an answer too: some engines have no statistics
            return None, None
        names = (("cpu_usage", "total_usage"), ("throttling_data", "throttled_periods"))
        used, periods = (_number(statistics, "cpu_stats", *place) for place in names)
        return used, periods

    def has_reached_memory_limit(self) -> bool | None:
        """Return whether its use of memory has come up to its limit so far; None if that is not known.

        Under control groups 1 the peak decides, of memory or of memory and swap together. The engine's count
        of failures does not: recent kernels count none where memory and swap have the same limit. A container
        that has ended meanwhile has no peak any more. The kernel's own files tell the same as the engine,
        which may be slow or restarting.
        """
        if self._memory is not None and has_peak(self._memory):
            return has_reached_limit(self._memory)
        peak, limit = (self._statistic("memory_stats", name) for name in ("max_usage", "limit"))
        if peak is None or limit is None:
            return False if self._ran_short_around() else None
        return peak >= limit - LARGEST_REQUEST_BYTES

    def processes_ran_short(self) -> bool:
        """Return whether a control group around it had no room for a process that it may have."""
        self.look_for_groups()
        return self._outer_processes is not None and self._outer_processes.ran_short()

    def memory_bytes(self) -> int | None:
        """Return how much memory it uses at the moment, without file cache; None if that is not known.

        It is known where the engine is on this machine.
        """
        self.look_for_groups()
        return memory_bytes(self._memory) if self._memory is not None else None

    def memory_reports(self) -> int:
        """Return how often the engine was told that it had no memory left, of the engine's latest events.

        Under control groups 1 the kernel tells engines of it whether or not a process is killed: 0 under
        version 2, for an engine on another machine, and as long as the limit was never reached.
        """
        if self._memory is None or not has_reached_limit(self._memory):
            return 0
        now: Any = f"{time.time():.3f}"  # docker-py's types know whole seconds, which would be up to one late
        filters = {"container": [self.identity], "event": ["oom"]}
        with contextlib.suppress(*ENGINE_ERRORS):
            return len(list(self._api.events(since=0, until=now, filters=filters, decode=True)))
        return 0

    def cpu_seconds(self) -> float | None:
        """Return how much processor time it has used; None where the engine is not on this machine."""
        self.look_for_groups()
        return processor_seconds(self._processor) if self._processor is not None else None

    def _ran_short_around(self) -> bool:
        return self._outer_memory is not None and self._outer_memory.ran_short()

    def look_for_groups(self) -> None:
        """Find its control groups while it runs: they and those above are read from then on."""
        if not self._has_looked_for_groups:
            self._has_looked_for_groups = True
            with contextlib.suppress(*ENGINE_ERRORS, KeyError, TypeError, ValueError):
                process = int(self._api.inspect_container(self.identity)["State"]["Pid"])
                self._memory = control_group(self.identity, process, "memory")
                self._processor = control_group(self.identity, process, "cpuacct")
                processes = control_group(self.identity, process, "pids")
                self._outer_memory = OuterMemory.of(self._memory) if self._memory is not None else None
                self._outer_processes = OuterProcesses.of(processes) if processes is not None else None

    def _statistic(self, *names: str) -> int | None:
        try:
            return _number(self._api.stats(self.identity, stream=False, one_shot=True), *names)
        except ENGINE_ERRORS:
            return None

    def remove(self) -> None:
        """Remove the container, running or not, and close the stream.

        The HTTP response that carries the stream is closed first, where docker-py stores it: from Python
        3.13 on, a response that is collected after its socket was closed prints a warning on stderr.
        """
        for closing in (getattr(self._stream, "_response", None), self._stream):
            if closing is not None:
                with contextlib.suppress(*ENGINE_ERRORS):
                    closing.close()
        with contextlib.suppress(*ENGINE_ERRORS):
            self._socket.close()
        with contextlib.suppress(*ENGINE_ERRORS):
            self._api.remove_container(self.identity, force=True, v=True)


def _number(value: Any, *names: str) -> int | None:  # noqa: ANN401 - JSON of the engine
    """Return a whole number by its place in statistics; None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, int) else None
