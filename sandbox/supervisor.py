"""The supervisor's loop: one forked child a run, watched from outside the submission.

Single-threaded on purpose: it forks, and threads do not survive a fork. It never runs a
byte of a submission; it moves bytes, keeps time and asks the janitor to end a run.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sandbox.capture import LogCapture
from sandbox.child import RESULT_HEAD, TAG_CHECKPOINT, TAG_ERROR, Material, Seat
from sandbox.child import run as run_child
from sandbox.janitor import Janitor
from sandbox.jobs import WorkerJob
from sandbox.messages import ERROR_BYTES, LOG_CHUNK_BYTES
from sandbox.protocol import Frame
from sandbox.stdio import Stdio

SCRATCH: Final = Path("/scratch")
_READ_BYTES: Final = 1 << 18
_OOM_COUNTERS: Final = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)


@dataclass(slots=True, kw_only=True)
class _Run:
    """What the supervisor knows of a run that goes on."""

    index: int
    uid: int
    slot: int
    process: int
    begun: float
    oom_kills_before: int
    logs: dict[str, LogCapture]
    open_fds: set[int]
    result: bytearray = field(default_factory=bytearray)
    status: int | None = None
    ended: float | None = None
    ended_by: str = ""
    """Why the supervisor ended it: ``time``, ``output`` (too long a result), ``garbage`` (no
    result at all in the result pipe) or ``result`` (all of it had come)."""
    wiping: bool = False
    wiped: bool = False


class Supervisor:
    """Does the runs that the host asks for."""

    def __init__(self, job: WorkerJob, material: Material, stdio: Stdio, janitor: Janitor) -> None:
        """Watch the host, the janitor and ended children."""
        self._job, self._material, self._stdio, self._janitor = job, material, stdio, janitor
        self._free_slots = deque(range(job.concurrency))
        self._queue: deque[Frame] = deque()
        self._runs: dict[int, _Run] = {}
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._watch(wake_read, lambda: self._drain_wakeups(wake_read))
        self._watch(stdio.in_fd, self._hear_host)
        self._watch(janitor.socket.fileno(), self._hear_janitor)

    def serve(self) -> None:
        """Go on until the host says stop or goes away."""
        while not self._stopping:
            for key, _events in self._selector.select(self._seconds_to_deadline()):
                if key.fd in self._selector.get_map():
                    key.data()
            self._reap()
            self._enforce_time()
            self._close_wiped_runs()
            while self._queue and self._free_slots and not self._stopping:
                self._start(self._queue.popleft())

    def _watch(self, fd: int, callback: Callable[[], None]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def _drain_wakeups(self, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(fd, 4096):
                pass

    def _hear_host(self) -> None:
        frames = self._stdio.receive()
        if frames is None:
            self._stopping = True
            return
        for frame in frames:
            if frame.kind == "run":
                self._queue.append(frame)
            else:
                self._stopping = True

    def _hear_janitor(self) -> None:
        self._runs[self._janitor.done() - self._job.first_uid].wiped = True

    def _start(self, frame: Frame) -> None:
        index, slot = frame.integer("index"), self._free_slots.popleft()
        uid = self._job.first_uid + index
        pipes = {name: os.pipe() for name in ("result", "out", "err")}
        seat = Seat(
            seed=frame.integer("seed"),
            uid=uid,
            slot_gid=self._job.first_slot_gid + slot,
            scratch=SCRATCH / str(slot) / f"run-{index}",
            result_fd=pipes["result"][1],
            out_fd=pipes["out"][1],
            err_fd=pipes["err"][1],
        )
        oom_kills, begun = _oom_kills(), time.monotonic()
        process = os.fork()
        if process == 0:
            run_child(self._material, seat)
        for _read, write in pipes.values():
            os.close(write)
        budget = self._job.log_bytes // 2
        started = _Run(
            index=index,
            uid=uid,
            slot=slot,
            process=process,
            begun=begun,
            oom_kills_before=oom_kills,
            logs={"out": LogCapture(budget), "err": LogCapture(budget)},
            open_fds={read for read, _write in pipes.values()},
        )
        self._runs[index] = started
        for name, (read, _write) in pipes.items():
            os.set_blocking(read, False)
            if name == "result":
                self._watch(read, lambda fd=read: self._take_result(started, fd))  # type: ignore[misc]
            else:
                self._watch(read, lambda fd=read, name=name: self._take_log(started, name, fd))  # type: ignore[misc]

    def _read(self, run: _Run, fd: int) -> bytes:
        """Return what a run's pipe holds, at most one portion; forget the pipe at its end."""
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            self._selector.unregister(fd)
            os.close(fd)
            run.open_fds.discard(fd)
        return data

    def _take_result(self, run: _Run, fd: int) -> None:
        run.result += self._read(run, fd)
        if len(run.result) < RESULT_HEAD.size:
            return
        tag, length = RESULT_HEAD.unpack_from(run.result)
        limit = self._job.checkpoint_bytes if tag == TAG_CHECKPOINT else ERROR_BYTES
        whole = RESULT_HEAD.size + length
        if tag not in (TAG_CHECKPOINT, TAG_ERROR) or len(run.result) > whole:
            self._refuse_result(run, fd, "garbage")
        elif length > limit:
            self._refuse_result(run, fd, "output")
        elif len(run.result) == whole:
            self._end(run, "result")

    def _refuse_result(self, run: _Run, fd: int, why: str) -> None:
        """End a run for what it writes, and read no more of it."""
        self._end(run, why)
        run.result.clear()
        if fd in run.open_fds:
            self._selector.unregister(fd)
            os.close(fd)
            run.open_fds.discard(fd)

    def _take_log(self, run: _Run, stream: str, fd: int) -> None:
        if data := self._read(run, fd):
            self._send_log(run, stream, run.logs[stream].add(data))

    def _send_log(self, run: _Run, stream: str, data: bytes) -> None:
        for start in range(0, len(data), LOG_CHUNK_BYTES):
            chunk = data[start : start + LOG_CHUNK_BYTES]
            self._stdio.send("log", chunk, index=run.index, stream=stream)

    def _reap(self) -> None:
        """Collect ended children, and the orphans that come to process 1."""
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            for run in self._runs.values():
                if run.process == process:
                    run.status = status
                    self._end(run, "")

    def _enforce_time(self) -> None:
        now = time.monotonic()
        for run in self._runs.values():
            if not run.wiping and now - run.begun > self._job.wall_seconds:
                self._end(run, "time")

    def _seconds_to_deadline(self) -> float | None:
        begun = [run.begun for run in self._runs.values() if not run.wiping]
        if not begun:
            return None
        return max(0.0, min(begun) + self._job.wall_seconds - time.monotonic()) + 0.001

    def _end(self, run: _Run, ended_by: str) -> None:
        """Have every process of a run ended and its files removed."""
        if run.wiping:
            return
        run.wiping, run.ended, run.ended_by = True, time.monotonic(), ended_by
        gid = self._job.first_slot_gid + run.slot
        self._janitor.order(run.uid, gid, SCRATCH / str(run.slot))

    def _close_wiped_runs(self) -> None:
        for run in [one for one in self._runs.values() if one.wiped and one.status is not None]:
            self._drain(run)
            self._report(run)
            del self._runs[run.index]
            self._free_slots.append(run.slot)

    def _drain(self, run: _Run) -> None:
        """Read what is left in the pipes; nobody is left to write more."""
        while run.open_fds:
            for fd in list(run.open_fds):
                self._selector.get_key(fd).data()

    def _report(self, run: _Run) -> None:
        assert run.status is not None
        assert run.ended is not None
        for stream, capture in run.logs.items():
            self._send_log(run, stream, capture.finish())
        result, payload = _result_of(bytes(run.result))
        self._stdio.send(
            "finished",
            payload,
            index=run.index,
            seconds=run.ended - run.begun,
            exit_code=os.waitstatus_to_exitcode(run.status),
            ended_by=run.ended_by,
            oom_kills=_oom_kills() - run.oom_kills_before,
            result=result,
            log_bytes_dropped=sum(capture.dropped for capture in run.logs.values()),
        )


def _result_of(data: bytes) -> tuple[str, bytes]:
    """Tell what a run wrote into its result pipe, and return the payload."""
    if len(data) < RESULT_HEAD.size:
        return ("none" if not data else "broken"), b""
    tag, length = RESULT_HEAD.unpack_from(data)
    payload = data[RESULT_HEAD.size :]
    if len(payload) != length or tag not in (TAG_CHECKPOINT, TAG_ERROR):
        return "broken", b""
    return ("checkpoint" if tag == TAG_CHECKPOINT else "error"), payload


def _oom_kills() -> int:
    """Return how often the kernel has killed for memory in this container, as far as it tells."""
    for file in _OOM_COUNTERS:
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _space, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0
