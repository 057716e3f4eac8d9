"""The supervisor's ends of the pipes of one run: reads its result and its logs.

Everything that arrives here was written by untrusted code. The supervisor moves these bytes; it
neither parses nor executes them beyond the header of the result.
"""

from __future__ import annotations

import os
import selectors
from collections.abc import Callable
from typing import Final

from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import (
    ERROR_BYTES,
    LOG_CHUNK_BYTES,
    RESULT_HEAD,
    STARTED,
    TAG_CHECKPOINT,
    TAG_ERROR,
)
from sandbox.stdio import Stdio
from sandbox.worker.logs.capture import LogCapture
from sandbox.worker.logs.redrawn_lines import RedrawnLines

_READ_BYTES: Final = 1 << 18
_MAX_READS: Final = 8
"""This many reads return more than a pipe can hold."""
_FRAMES_AT_ONCE: Final = 1_000
"""So many pieces of log are passed on as they come; all later ones are gathered to this length first."""
_GATHERED_BYTES: Final = 4096


class RunPipes:
    """Reads the pipes of one run when the selector reports data, and forwards its logs to the host."""

    def __init__(
        self,
        *,
        index: int,
        result_fd: int,
        log_fds: dict[str, int],
        job: WorkerJob,
        stdio: Stdio,
        selector: selectors.BaseSelector,
        end: Callable[[str], None],
        started: Callable[[], None] = lambda: None,
    ) -> None:
        """Register the pipes with the selector.

        Args:
            index: The number of the run.
            result_fd: The read end of the result pipe.
            log_fds: The read ends of the log pipes, by the name of the stream.
            job: Sets the limits of the result and of the logs.
            stdio: The stream to the host.
            selector: Calls the data of its keys when a pipe is readable.
            end: Ends the run, for a reason as in ``ended_by``; has no effect on a run that was ended.
            started: Called once, when the run is set up.
        """
        self._index, self._job, self._stdio = index, job, stdio
        self._selector, self._end, self._started = selector, end, started
        self._result_fd = result_fd
        self._result = bytearray()
        self.has_started = False
        """Whether the run was set up; from then on, its submission's code may run."""
        self._logs = {stream: LogCapture(job.log_bytes // 2) for stream in log_fds}
        self._lines = {stream: RedrawnLines() for stream in log_fds}
        self._gathered = dict.fromkeys(log_fds, b"")
        self._log_frames = 0
        self._open_fds: set[int] = set()
        self._ignored_fds: list[int] = []
        self._register(result_fd, self._receive_result)
        for stream, fd in log_fds.items():
            self._register(fd, lambda fd=fd, stream=stream: self._receive_log(stream, fd))  # type: ignore[misc]

    @property
    def dropped_log_bytes(self) -> int:
        """The number of log bytes that did not fit into the budget."""
        return sum(capture.dropped for capture in self._logs.values())

    def read_rest_of_result(self) -> None:
        """Read what the result pipe holds now; what is written into it later is not read."""
        self._read_rest(self._result_fd)

    def ignore_result(self) -> None:
        """Read nothing more of the result pipe.

        It is not closed before `drain`, when the run's processes are gone: closing waits for its lock.
        """
        if self._result_fd in self._open_fds:
            self._selector.unregister(self._result_fd)
            self._open_fds.discard(self._result_fd)
            self._ignored_fds.append(self._result_fd)

    def drain(self) -> None:
        """Read what the log pipes, and a result pipe that is not ignored, still hold; then close all.

        Reading stops after one pipe's capacity, because another process may hold a write end.
        """
        while self._ignored_fds:
            os.close(self._ignored_fds.pop())
        for fd in list(self._open_fds):
            self._read_rest(fd)
            self._close(fd)

    def send_log_tails(self) -> None:
        """Send the captured end of each log to the host."""
        for stream, capture in self._logs.items():
            rest = capture.add(self._lines[stream].finish()) + capture.finish()
            self._send_log(stream, self._gathered[stream] + rest)

    def result(self) -> tuple[str, bytes]:
        """Return the kind of the result, as the ``finished`` frame states it, and its payload."""
        return _parse_result(bytes(self._result))

    def _register(self, fd: int, callback: Callable[[], None]) -> None:
        os.set_blocking(fd, False)
        self._open_fds.add(fd)
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def _close(self, fd: int) -> None:
        if fd in self._open_fds:
            self._selector.unregister(fd)
            os.close(fd)
            self._open_fds.discard(fd)

    def _read(self, fd: int) -> bytes:
        """Return at most `_READ_BYTES` from a pipe; close the pipe at its end."""
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            self._close(fd)
        return data

    def _read_rest(self, fd: int) -> None:
        for _ in range(_MAX_READS):
            if fd in self._open_fds:
                self._selector.get_key(fd).data()

    def _receive_result(self) -> None:
        self._result += self._read(self._result_fd)
        if not self.has_started and self._result.startswith(STARTED):
            self.has_started = True
            del self._result[: len(STARTED)]
            self._started()
        if len(self._result) < RESULT_HEAD.size:
            return
        tag, length = RESULT_HEAD.unpack_from(self._result)
        limit = self._job.checkpoint_bytes if tag == TAG_CHECKPOINT else ERROR_BYTES
        total = RESULT_HEAD.size + length
        if tag not in (TAG_CHECKPOINT, TAG_ERROR) or len(self._result) > total:
            self._end("garbage")
            self._result.clear()
        elif length > limit:
            self._end("output")
            self._result.clear()
        elif len(self._result) == total:
            self._end("result")

    def _receive_log(self, stream: str, fd: int) -> None:
        if data := self._read(fd):
            self._gather_log(stream, self._logs[stream].add(self._lines[stream].add(data)))

    def _gather_log(self, stream: str, data: bytes) -> None:
        """Send a piece of log, unless the run has sent many and this one is short.

        The host reads the frames of all runs in one process, one after another. Frames of a byte each from
        many runs could delay the frame that tells it that a run has ended.
        """
        self._gathered[stream] += data
        if self._log_frames < _FRAMES_AT_ONCE or len(self._gathered[stream]) >= _GATHERED_BYTES:
            self._send_log(stream, self._gathered[stream])
            self._gathered[stream] = b""

    def _send_log(self, stream: str, data: bytes) -> None:
        for start in range(0, len(data), LOG_CHUNK_BYTES):
            chunk = data[start : start + LOG_CHUNK_BYTES]
            self._log_frames += 1
            self._stdio.send("log", chunk, index=self._index, stream=stream)


def _parse_result(data: bytes) -> tuple[str, bytes]:
    """Return the kind and the payload of what a run wrote into its result pipe."""
    if len(data) < RESULT_HEAD.size:
        return ("none" if not data else "broken"), b""
    tag, length = RESULT_HEAD.unpack_from(data)
    payload = data[RESULT_HEAD.size :]
    if len(payload) != length or tag not in (TAG_CHECKPOINT, TAG_ERROR):
        return "broken", b""
    return ("checkpoint" if tag == TAG_CHECKPOINT else "error"), payload
