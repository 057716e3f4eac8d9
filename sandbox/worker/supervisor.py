"""The supervisor's loop: moves bytes, keeps time, and has runs forked and ended.

It never runs a byte of a submission and never imports torch. Runs are not forked from it,
because what it has read of one run would be in the memory of the next (`sandbox.worker.zygote`).
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

from sandbox.protocol.frames import Frame
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import ERROR_BYTES, LOG_CHUNK_BYTES, RESULT_HEAD, TAG_CHECKPOINT, TAG_ERROR
from sandbox.stdio import Stdio
from sandbox.worker.fds import RunEnds
from sandbox.worker.janitor import Janitor
from sandbox.worker.log_capture import LogCapture
from sandbox.worker.scratch import SCRATCH
from sandbox.worker.zygote import Order, Zygote

_READ_BYTES: Final = 1 << 18
_PIPE_PORTIONS: Final = 8
"""More than a pipe can hold."""
_KILLED: Final = 9
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
    begun: float
    oom_kills_before: int
    logs: dict[str, LogCapture]
    result_fd: int
    open_fds: set[int]
    result: bytearray = field(default_factory=bytearray)
    status: int | None = None
    """Wait status of its process, once that has ended."""
    ended: float | None = None
    ended_by: str = ""
    """Why the supervisor ended it: ``time``, ``output`` (too long a result), ``garbage`` (no
    result at all in the result pipe) or ``result`` (all of it had come)."""
    wiped: bool | None = None
    """What the janitor said: whether nothing of it is left."""

    @property
    def over(self) -> bool:
        """Return whether nothing more is to be waited for."""
        return self.wiped is False or (self.wiped is True and self.status is not None)


class Supervisor:
    """Does the runs that the host asks for."""

    def __init__(self, job: WorkerJob, stdio: Stdio, janitor: Janitor, zygote: Zygote) -> None:
        """Watch the host, the janitor and the zygote."""
        self._job, self._stdio, self._janitor, self._zygote = job, stdio, janitor, zygote
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
        self._watch(zygote.socket.fileno(), self._hear_zygote)

    def serve(self) -> None:
        """Go on until the host says stop or goes away, or no run can be forked or ended any more.

        Raises:
            ConnectionError: a servant is gone, and no run's use of memory explains it.
        """
        try:
            self._serve()
        except ConnectionError:
            if not self._is_memory_used_up():
                raise
            self._report_all()

    def _serve(self) -> None:
        while not self._stopping:
            for key, _events in self._selector.select(self._seconds_to_deadline()):
                if key.fd in self._selector.get_map():
                    key.data()
            _reap_orphans()
            self._enforce_time()
            self._close_runs_that_are_over()
            while self._queue and self._free_slots and not self._stopping:
                self._start(self._queue.popleft())

    def _is_memory_used_up(self) -> bool:
        """Return whether the kernel has killed for memory since a run that goes on began.

        What a run writes to a tmpfs outlives it, so the servants may be killed after it; the run did that.
        """
        killed = oom_kills()
        return any(killed > run.oom_kills_before for run in self._runs.values())

    def _report_all(self) -> None:
        """Report what goes on as it is: ended, and not cleared away."""
        for run in list(self._runs.values()):
            run.ended = run.ended or time.monotonic()
            self._drain(run)
            self._report(run)

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
        uid, gone = self._janitor.done()
        self._runs[uid - self._job.first_uid].wiped = gone

    def _hear_zygote(self) -> None:
        index, status = self._zygote.ended()
        run = self._runs.get(index)
        if run is None:  # reported already: it left something, and its process was slow to end
            return
        run.status = status
        self._read_to_the_end(run, run.result_fd)  # what its process has sent; what others send now is late
        self._end(run, "")

    def _start(self, frame: Frame) -> None:
        index, slot = frame.integer("index"), self._free_slots.popleft()
        uid = self._job.first_uid + index
        pipes = {name: os.pipe() for name in ("result", "out", "err")}
        order = Order(
            index=index,
            uid=uid,
            slot_gid=self._job.first_slot_gid + slot,
            scratch=str(SCRATCH / str(slot) / f"run-{index}"),
        )
        killed, begun = oom_kills(), time.monotonic()
        seed_read, seed_write = os.pipe()
        os.write(seed_write, frame.integer("seed").to_bytes(8, "big"))
        os.close(seed_write)
        ends = RunEnds(seed_read, *(write for _read, write in pipes.values()))
        self._zygote.fork(order, ends)
        for fd in ends:
            os.close(fd)
        budget = self._job.log_bytes // 2
        started = _Run(
            index=index,
            uid=uid,
            slot=slot,
            begun=begun,
            oom_kills_before=killed,
            logs={"out": LogCapture(budget), "err": LogCapture(budget)},
            result_fd=pipes["result"][0],
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
            self._close(run, fd)
        return data

    def _take_result(self, run: _Run, fd: int) -> None:
        run.result += self._read(run, fd)
        if len(run.result) < RESULT_HEAD.size:
            return
        tag, length = RESULT_HEAD.unpack_from(run.result)
        limit = self._job.checkpoint_bytes if tag == TAG_CHECKPOINT else ERROR_BYTES
        whole = RESULT_HEAD.size + length
        if tag not in (TAG_CHECKPOINT, TAG_ERROR) or len(run.result) > whole:
            self._end(run, "garbage")
            run.result.clear()
        elif length > limit:
            self._end(run, "output")
            run.result.clear()
        elif len(run.result) == whole:
            self._end(run, "result")

    def _close(self, run: _Run, fd: int) -> None:
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

    def _enforce_time(self) -> None:
        now = time.monotonic()
        for run in self._runs.values():
            if run.ended is None and now - run.begun > self._job.wall_seconds:
                self._end(run, "time")

    def _seconds_to_deadline(self) -> float | None:
        begun = [run.begun for run in self._runs.values() if run.ended is None]
        if not begun:
            return None
        return max(0.0, min(begun) + self._job.wall_seconds - time.monotonic()) + 0.001

    def _end(self, run: _Run, ended_by: str) -> None:
        """Have every process of a run ended and its files removed; its time stops here."""
        if run.ended is not None:
            return
        run.ended, run.ended_by = time.monotonic(), ended_by
        self._close(run, run.result_fd)  # or a process that is not ended yet could go on and send it later
        gid = self._job.first_slot_gid + run.slot
        self._janitor.order(run.uid, gid, SCRATCH / str(run.slot))
        self._stdio.send("ended", index=run.index)

    def _close_runs_that_are_over(self) -> None:
        for run in [one for one in self._runs.values() if one.over]:
            self._drain(run)
            self._report(run)
            del self._runs[run.index]
            if run.wiped:
                self._free_slots.append(run.slot)

    def _drain(self, run: _Run) -> None:
        """Read what the pipes still hold, and no more: somebody else may have got hold of one."""
        for fd in list(run.open_fds):
            self._read_to_the_end(run, fd)
            self._close(run, fd)

    def _read_to_the_end(self, run: _Run, fd: int) -> None:
        for _portion in range(_PIPE_PORTIONS):
            if fd in run.open_fds:
                self._selector.get_key(fd).data()

    def _report(self, run: _Run) -> None:
        assert run.ended is not None
        status = _KILLED if run.status is None else run.status
        for stream, capture in run.logs.items():
            self._send_log(run, stream, capture.finish())
        result, payload = _result_of(bytes(run.result))
        self._stdio.send(
            "finished",
            payload,
            index=run.index,
            seconds=run.ended - run.begun,
            exit_code=os.waitstatus_to_exitcode(status),
            ended_by=run.ended_by,
            oom_kills=oom_kills() - run.oom_kills_before,
            result=result,
            wiped=bool(run.wiped),
            log_bytes_dropped=sum(capture.dropped for capture in run.logs.values()),
        )


def _reap_orphans() -> None:
    """Collect what process 1 inherits: processes whose parent ended before them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _result_of(data: bytes) -> tuple[str, bytes]:
    """Tell what a run wrote into its result pipe, and return the payload."""
    if len(data) < RESULT_HEAD.size:
        return ("none" if not data else "broken"), b""
    tag, length = RESULT_HEAD.unpack_from(data)
    payload = data[RESULT_HEAD.size :]
    if len(payload) != length or tag not in (TAG_CHECKPOINT, TAG_ERROR):
        return "broken", b""
    return ("checkpoint" if tag == TAG_CHECKPOINT else "error"), payload


def oom_kills(counters: tuple[Path, ...] = _OOM_COUNTERS) -> int:
    """Return how often the kernel has killed for memory in this container, as far as it tells."""
    for file in counters:
        try:
            lines = file.read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, _space, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0
