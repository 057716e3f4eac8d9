"""The supervisor handles bytes and events that arrive after a run has ended.

Fakes replace the host, the zygote and the janitor.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.protocol.frames import Frame
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import RESULT_HEAD, STARTED, TAG_CHECKPOINT
from sandbox.stdio import Stdio
from sandbox.worker import supervisor
from sandbox.worker.fds import PipeEnds
from sandbox.worker.janitor import CleanupResult, Janitor
from sandbox.worker.memory_events import MAX_KILLS
from sandbox.worker.supervisor import Supervisor
from sandbox.worker.zygote import Order, Zygote

FIRST_UID = 10_000
WHOLE = RESULT_HEAD.pack(TAG_CHECKPOINT, 4) + b"four"


class AnswerQueue:
    """A socket that is readable once for each queued answer."""

    def __init__(self) -> None:
        self.socket, self._far_end = socket.socketpair()
        self._answers: deque[tuple[Any, ...]] = deque()

    def put(self, *answer: Any) -> None:
        """Queue an answer."""
        self._answers.append(answer)
        self._far_end.send(b"!")

    def answer(self) -> tuple[Any, ...]:
        """Return the next answer."""
        self.socket.recv(1)
        return self._answers.popleft()

    def close(self) -> None:
        """Close both ends."""
        self.socket.close()
        self._far_end.close()


class FakeZygote(AnswerQueue):
    """Starts no process: copies the ends of a run's pipes and calls a function instead."""

    def __init__(self, on_fork: Callable[[int, PipeEnds], None]) -> None:
        super().__init__()
        self._on_fork, self.receive_ended = on_fork, self.answer

    def fork(self, order: Order, ends: PipeEnds) -> None:
        """Pass on copies, since the supervisor closes its own."""
        self._on_fork(order.index, PipeEnds(*map(os.dup, ends)))


class FakeJanitor(AnswerQueue):
    """Ends no process: calls a function instead."""

    def __init__(self, on_order: Callable[[int], None]) -> None:
        super().__init__()
        self._on_order = on_order
        self.watched: list[tuple[int, float]] = []

    def watch(self, uid: int, _slot_gid: int, _slot_folder: Path, wall_seconds: float) -> None:
        """Record the announcement of a run."""
        self.watched.append((uid - FIRST_UID, wall_seconds))

    def receive_result(self) -> CleanupResult:
        """Return the next answer."""
        uid, cleaned_up, *frozen_seconds = self.answer()
        return CleanupResult(uid, cleaned_up, *(frozen_seconds or [0.0]))

    def order(self, uid: int, _slot_gid: int, _slot_folder: Path) -> None:
        """Receive an order."""
        self._on_order(uid - FIRST_UID)


class FakeHost:
    """Requests some runs, records all frames, and disconnects when all runs have been reported."""

    def __init__(self, runs: int) -> None:
        self.in_fd, self._write_fd = os.pipe()
        os.write(self._write_fd, b"!" * runs)
        self._pending, self._unreported = deque(range(runs)), runs
        self.frames: list[tuple[str, bytes, dict[str, Any]]] = []

    def receive(self) -> list[Frame] | None:
        """Return one ``run`` frame for each byte."""
        if not os.read(self.in_fd, 1):
            return None
        return [Frame(kind="run", fields={"index": self._pending.popleft(), "seed": 0})]

    def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
        """Record a frame."""
        self.frames.append((kind, payload, fields))
        self._unreported -= kind == "finished"
        if self._unreported == 0:
            os.close(self._write_fd)

    def report(self, index: int) -> tuple[bytes, dict[str, Any]]:
        """Return payload and fields of a run's ``finished`` frame."""
        reports = (frame for frame in self.frames if frame[0] == "finished")
        return next((payload, fields) for _kind, payload, fields in reports if fields["index"] == index)


@pytest.fixture(autouse=True)
def _restore_signals() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGCHLD)
    yield
    with contextlib.suppress(ValueError):
        signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, handler)


def serve(zygote: FakeZygote, janitor: FakeJanitor, host: FakeHost, **changes: Any) -> None:
    job = WorkerJob(
        architecture="digits",
        classes=10,
        item_format="dict",
        batch_size=64,
        device="cpu",
        concurrency=2,
        threads=1,
        runs=2,
        first_uid=FIRST_UID,
        first_slot_gid=2_000,
        wall_seconds=60.0,
        checkpoint_bytes=4,
        log_bytes=4096,
        processes=16,
    )
    job = replace(job, **changes)
    with contextlib.closing(zygote), contextlib.closing(janitor):
        Supervisor(job, cast(Stdio, host), cast(Janitor, janitor), cast(Zygote, zygote)).serve()
    os.close(host.in_fd)


def close(ends: PipeEnds) -> None:
    for fd in ends:
        os.close(fd)


def test_a_result_that_was_sent_before_the_process_ended_counts() -> None:
    """Although the supervisor is notified of the end first, it reads what the pipe holds."""

    def send_and_end(index: int, ends: PipeEnds) -> None:
        os.write(ends.result, WHOLE)
        close(ends)
        zygote.put(index, 0)

    zygote, host = FakeZygote(send_and_end), FakeHost(runs=1)
    janitor = FakeJanitor(lambda index: janitor.put(FIRST_UID + index, True))
    serve(zygote, janitor, host)
    payload, fields = host.report(0)
    assert (payload, fields["result"]) == (b"four", "checkpoint")


def test_a_result_that_another_process_sends_after_the_end_does_not_count() -> None:
    """The run's clock has stopped by then: a process that lives on would get computing time for free."""
    ends_of_run: list[PipeEnds] = []

    def send_part_and_end(index: int, ends: PipeEnds) -> None:
        os.write(ends.result, WHOLE[:-1])
        ends_of_run.append(ends)
        zygote.put(index, 0)

    def send_late(index: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(ends_of_run[0].result, WHOLE[-1:])
        close(ends_of_run[0])
        janitor.put(FIRST_UID + index, True)

    zygote, janitor, host = FakeZygote(send_part_and_end), FakeJanitor(send_late), FakeHost(runs=1)
    serve(zygote, janitor, host)
    payload, fields = host.report(0)
    assert (payload, fields["result"], fields["ended_by"]) == (b"", "broken", "")


def test_a_result_that_completes_after_the_time_limit_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run kept the supervisor waiting meanwhile, or the supervisor had no processor time."""

    def send_and_delay(_index: int, ends: PipeEnds) -> None:
        os.write(ends.result, WHOLE)
        close(ends)
        zygote.put(0, signal.SIGKILL)
        now = time.monotonic
        monkeypatch.setattr(time, "monotonic", lambda: now() + 61.0)

    zygote, host = FakeZygote(send_and_delay), FakeHost(runs=1)
    janitor = FakeJanitor(lambda index: janitor.put(FIRST_UID + index, True))
    serve(zygote, janitor, host)
    assert host.report(0)[1]["ended_by"] == "time"


def test_a_run_that_has_processes_killed_for_memory_again_and_again_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is looked at while nothing arrives of it, and reported with its kills: `memory-limit` by their number."""
    kills = iter((3, *range(3, 3 + MAX_KILLS), *([3 + MAX_KILLS] * 9)))
    monkeypatch.setattr(supervisor, "oom_kills", lambda: next(kills))
    ends_of_run: list[PipeEnds] = []

    def end(index: int) -> None:
        close(ends_of_run[0])
        zygote.put(index, signal.SIGKILL)
        janitor.put(FIRST_UID + index, True)

    zygote, host = FakeZygote(lambda _index, ends: ends_of_run.append(ends)), FakeHost(runs=1)
    janitor = FakeJanitor(end)
    serve(zygote, janitor, host)
    _payload, fields = host.report(0)
    assert (fields["ended_by"], fields["exit_code"], fields["oom_kills"]) == ("", -signal.SIGKILL, MAX_KILLS)


def test_a_process_that_ends_after_its_run_was_reported_affects_no_other_run() -> None:
    """Its cleanup failed and its process ended late; the concurrent run still finishes normally."""
    ends_of_runs: dict[int, PipeEnds] = {}

    def start(index: int, ends: PipeEnds) -> None:
        ends_of_runs[index] = ends
        if len(ends_of_runs) == 2:
            os.write(ends_of_runs[0].result, WHOLE)

    def end(index: int) -> None:
        if index == 1:
            zygote.put(1, 0)
        janitor.put(FIRST_UID + index, index == 1)

    class Host(FakeHost):
        def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
            super().send(kind, payload, **fields)
            if (kind, fields["index"]) == ("finished", 0):
                zygote.put(0, signal.SIGKILL)
                os.write(ends_of_runs[1].result, WHOLE)

    zygote, janitor, host = FakeZygote(start), FakeJanitor(end), Host(runs=2)
    serve(zygote, janitor, host)
    assert [host.report(index)[1]["wiped"] for index in (0, 1)] == [False, True]
    assert host.report(1)[0] == b"four"
    for ends in ends_of_runs.values():
        close(ends)


def test_a_run_that_the_janitor_ended_is_over_its_time() -> None:
    """It had kept the supervisor waiting. Its result, which comes late, does not count."""
    ends_of_run: list[PipeEnds] = []

    def start(index: int, ends: PipeEnds) -> None:
        ends_of_run.append(ends)
        janitor.put(FIRST_UID + index, True, 0.5)

    class Host(FakeHost):
        def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
            super().send(kind, payload, **fields)
            if kind == "ended":
                os.write(ends_of_run[0].result, WHOLE)
                zygote.put(0, signal.SIGKILL)

    zygote, janitor, host = FakeZygote(start), FakeJanitor(lambda _index: None), Host(runs=1)
    serve(zygote, janitor, host)
    payload, fields = host.report(0)
    assert (payload, fields["result"], fields["ended_by"]) == (b"", "none", "time")
    assert (fields["wiped"], fields["frozen_seconds"]) == (True, 0.5)
    assert janitor.watched == [(0, 60.0)]
    close(ends_of_run[0])


def test_the_time_of_a_run_on_a_gpu_begins_when_it_is_set_up() -> None:
    """The host and the janitor are told; what comes before has a limit of its own."""

    def start(index: int, ends: PipeEnds) -> None:
        time.sleep(0.3)  # longer than the limit of the run's own time
        os.write(ends.result, STARTED + WHOLE)
        close(ends)
        zygote.put(index, 0)

    zygote, host = FakeZygote(start), FakeHost(runs=1)
    janitor = FakeJanitor(lambda index: janitor.put(FIRST_UID + index, True))
    serve(zygote, janitor, host, device="cuda", wall_seconds=0.2)
    payload, fields = host.report(0)
    assert (payload, fields["result"], fields["ended_by"]) == (b"four", "checkpoint", "result")
    assert fields["started"] is True
    assert fields["seconds"] < 0.2
    assert [kind for kind, _payload, _fields in host.frames] == ["started", "ended", "finished"]
    assert janitor.watched == [(0, 60.0), (0, 0.2)]


def test_a_run_on_the_cpu_is_not_announced_twice() -> None:
    """Its time begins with the request."""

    def start(index: int, ends: PipeEnds) -> None:
        os.write(ends.result, STARTED + WHOLE)
        close(ends)
        zygote.put(index, 0)

    zygote, host = FakeZygote(start), FakeHost(runs=1)
    janitor = FakeJanitor(lambda index: janitor.put(FIRST_UID + index, True))
    serve(zygote, janitor, host)
    assert [kind for kind, _payload, _fields in host.frames] == ["ended", "finished"]
    assert janitor.watched == [(0, 60.0)]
