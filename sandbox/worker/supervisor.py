"""The supervisor's loop: moves bytes, enforces time limits, and has runs forked and ended.

It never executes a byte of a submission and never imports torch. Runs are not forked from it, because what
it has read from one run would be in the memory of the next (`sandbox.worker.zygote`). A run can make it wait,
by the lock of a pipe that both use; the janitor then ends the run in time
(`sandbox.worker.cleanup.watchdog`).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sandbox.protocol.frames import Frame
from sandbox.protocol.jobs import WorkerJob
from sandbox.stdio import Stdio
from sandbox.worker.fds import PipeEnds
from sandbox.worker.janitor import Janitor
from sandbox.worker.memory_events import LOOK_SECONDS, MAX_KILLS, oom_events, oom_kills
from sandbox.worker.run_pipes import RunPipes
from sandbox.worker.scratch import SCRATCH
from sandbox.worker.zygote import Order, Zygote

_KILLED: Final = 9
"""The wait status of a process that SIGKILL ended."""


@dataclass(slots=True, kw_only=True)
class _ActiveRun:
    """The state of a run in progress."""

    index: int
    uid: int
    slot: int
    started_at: float
    """When its time began: at its start, or on a GPU when it was set up."""
    is_set_up: bool
    """Whether its time has begun. Until then, it may take the time that is meant for that."""
    oom_kills_before: int
    oom_events_before: int
    frozen_seconds: float = 0.0
    """How long this container, or the whole machine, stood still during the run."""
    pipes: RunPipes
    status: int | None = None
    """The wait status of its process; None while the process is running."""
    ended_at: float | None = None
    ended_by: str = ""
    """Why the supervisor ended it: ``time``, ``output`` (the result is too long), ``garbage`` (the
    result pipe holds something that is not a result) or ``result`` (the result is complete)."""
    cleaned_up: bool | None = None
    """The janitor's answer: whether the run has no processes or files left. None before the answer."""

    @property
    def is_over(self) -> bool:
        """Return whether the supervisor waits for nothing more from this run."""
        return self.cleaned_up is False or (self.cleaned_up is True and self.status is not None)


class Supervisor:
    """Executes the runs that the host requests."""

    def __init__(self, job: WorkerJob, stdio: Stdio, janitor: Janitor, zygote: Zygote) -> None:
        """Watch the host, the janitor and the zygote."""
        self._job, self._stdio, self._janitor, self._zygote = job, stdio, janitor, zygote
        self._free_slots = deque(range(job.concurrency))
        self._queue: deque[Frame] = deque()
        self._runs: dict[int, _ActiveRun] = {}
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        wake_read, wake_write = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._watch(wake_read, lambda: self._drain_wakeups(wake_read))
        self._watch(stdio.in_fd, self._receive_from_host)
        self._watch(janitor.socket.fileno(), self._receive_cleanup)
        self._watch(zygote.socket.fileno(), self._receive_process_end)

    def serve(self) -> None:
        """Serve until the host sends stop or disconnects, or until runs can no longer be forked or ended.

        Raises:
            ConnectionError: the janitor or the zygote is gone, and no run's use of memory explains it.
        """
        try:
            self._serve()
        except ConnectionError:
            if not self._is_memory_used_up():
                raise
            self._report_all_as_lost()

    def _serve(self) -> None:
        while not self._stopping:
            events = self._selector.select(self._seconds_to_wait())
            for key, _events in events:
                if key.fd in self._selector.get_map():
                    key.data()
            _reap_orphans()
            self._enforce_time()
            self._enforce_memory()
            self._close_finished_runs()
            while self._queue and self._free_slots and not self._stopping:
                self._start(self._queue.popleft())

    def _is_memory_used_up(self) -> bool:
        """Return whether the kernel has killed for memory since a run in progress started.

        What a run writes to a tmpfs outlives it, so the kernel may kill the janitor or the zygote after
        the run has ended; the run caused that.
        """
        kills = oom_kills()
        return any(kills > run.oom_kills_before for run in self._runs.values())

    def _report_all_as_lost(self) -> None:
        """Report the runs in progress as ended and not cleaned up."""
        for run in list(self._runs.values()):
            run.ended_at = run.ended_at or time.monotonic()
            run.pipes.drain()
            self._report(run)

    def _watch(self, fd: int, callback: Callable[[], None]) -> None:
        self._selector.register(fd, selectors.EVENT_READ, callback)

    def _drain_wakeups(self, fd: int) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(fd, 4096):
                pass

    def _receive_from_host(self) -> None:
        frames = self._stdio.receive()
        if frames is None:
            self._stopping = True
            return
        for frame in frames:
            if frame.kind == "run":
                self._queue.append(frame)
            else:
                self._stopping = True

    def _receive_cleanup(self) -> None:
        result = self._janitor.receive_result()
        run = self._runs.get(result.uid - self._job.first_uid)
        if run is None:
            return
        run.cleaned_up, run.frozen_seconds = result.cleaned_up, result.frozen_seconds
        self._mark_ended(run, "time")  # the janitor has ended it by itself, if it was not over before

    def _receive_process_end(self) -> None:
        index, status = self._zygote.receive_ended()
        run = self._runs.get(index)
        if run is None:  # reported already: its cleanup failed, and its process ended late
            return
        run.status = status
        run.pipes.read_rest_of_result()  # what its process has sent; what others send from now on is too late
        self._end(run, "time" if self._is_over_time(run) else "")

    def _start(self, frame: Frame) -> None:
        index, slot = frame.integer("index"), self._free_slots.popleft()
        uid = self._job.first_uid + index
        pipes = {name: os.pipe() for name in ("result", "out", "err")}
        slot_gid = self._job.first_slot_gid + slot
        order = Order(
            index=index,
            uid=uid,
            slot_gid=slot_gid,
            scratch=str(SCRATCH / str(slot) / "run"),  # the same for all: none learns its number
        )
        kills, events = oom_kills(), oom_events()
        started_at = time.monotonic()
        setup_seconds = self._job.setup_seconds
        limit = setup_seconds or self._job.wall_seconds
        self._janitor.watch(uid, slot_gid, SCRATCH / str(slot), limit)
        seed_read, seed_write = os.pipe()
        os.write(seed_write, frame.integer("seed").to_bytes(8, "big"))
        os.close(seed_write)
        ends = PipeEnds(seed_read, *(write for _read, write in pipes.values()))
        self._zygote.fork(order, ends)
        for fd in ends:
            os.close(fd)
        read_ends = {name: read for name, (read, _write) in pipes.items()}
        self._runs[index] = _ActiveRun(
            index=index,
            uid=uid,
            slot=slot,
            started_at=started_at,
            is_set_up=setup_seconds == 0.0,
            oom_kills_before=kills,
            oom_events_before=events,
            pipes=RunPipes(
                index=index,
                result_fd=read_ends.pop("result"),
                log_fds=read_ends,
                job=self._job,
                stdio=self._stdio,
                selector=self._selector,
                end=lambda ended_by: self._end(self._runs[index], ended_by),
                started=lambda: self._mark_set_up(self._runs[index]),
            ),
        )

    def _mark_set_up(self, run: _ActiveRun) -> None:
        """Begin the time of a run on a GPU: its context exists, and its submission is imported next."""
        if run.is_set_up or run.ended_at is not None:
            return
        run.started_at, run.is_set_up = time.monotonic(), True
        self._janitor.watch(*self._cleanup_of(run), self._job.wall_seconds)
        self._stdio.send("started", index=run.index)

    def _enforce_time(self) -> None:
        for run in self._runs.values():
            if run.ended_at is None and self._is_over_time(run):
                self._end(run, "time")

    def _enforce_memory(self) -> None:
        kills = oom_kills() if self._runs else 0
        for run in self._runs.values():
            if run.ended_at is None and kills - run.oom_kills_before >= MAX_KILLS:
                self._end(run, "")

    def _is_over_time(self, run: _ActiveRun) -> bool:
        return time.monotonic() > self._deadline_of(run)

    def _deadline_of(self, run: _ActiveRun) -> float:
        return run.started_at + (self._job.wall_seconds if run.is_set_up else self._job.setup_seconds)

    def _seconds_to_wait(self) -> float | None:
        deadlines = [self._deadline_of(run) for run in self._runs.values() if run.ended_at is None]
        if not deadlines:
            return None
        return min(max(0.0, min(deadlines) - time.monotonic()) + 0.001, LOOK_SECONDS)

    def _end(self, run: _ActiveRun, ended_by: str) -> None:
        """Have every process of a run ended and its files removed; its time stops now.

        A result that is complete after the time limit is too late, even if the run kept this process waiting.
        """
        if ended_by == "result" and self._is_over_time(run):
            ended_by = "time"
        if self._mark_ended(run, ended_by):
            self._janitor.order(*self._cleanup_of(run))

    def _mark_ended(self, run: _ActiveRun, ended_by: str) -> bool:
        """Stop the time of a run and tell the host; return whether it was not stopped before."""
        if run.ended_at is not None:
            return False
        run.ended_at, run.ended_by = time.monotonic(), ended_by
        run.pipes.ignore_result()  # a process that is still running could send a result later
        self._stdio.send("ended", index=run.index)
        return True

    def _cleanup_of(self, run: _ActiveRun) -> tuple[int, int, Path]:
        """Return whose processes and files the janitor is to remove, as its orders state it."""
        return run.uid, self._job.first_slot_gid + run.slot, SCRATCH / str(run.slot)

    def _close_finished_runs(self) -> None:
        for run in [run for run in self._runs.values() if run.is_over]:
            run.pipes.drain()
            self._report(run)
            del self._runs[run.index]
            if run.cleaned_up:
                self._free_slots.append(run.slot)

    def _report(self, run: _ActiveRun) -> None:
        assert run.ended_at is not None
        status = _KILLED if run.status is None else run.status
        run.pipes.send_log_tails()
        result, payload = run.pipes.result()
        self._stdio.send(
            "finished",
            payload,
            index=run.index,
            seconds=run.ended_at - run.started_at,
            exit_code=os.waitstatus_to_exitcode(status),
            ended_by=run.ended_by,
            oom_kills=oom_kills() - run.oom_kills_before,
            result=result,
            wiped=bool(run.cleaned_up),
            log_bytes_dropped=run.pipes.dropped_log_bytes,
            started=run.pipes.has_started,
            frozen_seconds=run.frozen_seconds,
            oom_events=max(-1, oom_events() - run.oom_events_before) if run.oom_events_before >= 0 else -1,
        )


def _reap_orphans() -> None:
    """Reap the processes that process 1 inherits because their parent ended before them."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
