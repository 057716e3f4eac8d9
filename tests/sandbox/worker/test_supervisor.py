"""What does the supervisor make of what comes after a run has ended? Fakes stand in for its servants."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.protocol.frames import Frame
from sandbox.protocol.jobs import WorkerJob
from sandbox.protocol.messages import RESULT_HEAD, TAG_CHECKPOINT
from sandbox.stdio import Stdio
from sandbox.worker.fds import RunEnds
from sandbox.worker.janitor import Janitor
from sandbox.worker.supervisor import Supervisor
from sandbox.worker.zygote import Order, Zygote

FIRST_UID = 10_000
WHOLE = RESULT_HEAD.pack(TAG_CHECKPOINT, 4) + b"four"


class Bell:
    """A socket that is readable once for each answer that waits."""

    def __init__(self) -> None:
        self.socket, self._theirs = socket.socketpair()
        self._answers: deque[tuple[int, Any]] = deque()

    def ring(self, *answer: Any) -> None:
        """Have an answer wait."""
        self._answers.append((answer[0], answer[1]))
        self._theirs.send(b"!")

    def answer(self) -> tuple[int, Any]:
        """Return the next."""
        self.socket.recv(1)
        return self._answers.popleft()

    def close(self) -> None:
        """Close both ends."""
        self.socket.close()
        self._theirs.close()


class FakeZygote(Bell):
    """Starts no process: keeps the ends of a run's pipes and does what it was told instead."""

    def __init__(self, on_fork: Callable[[int, RunEnds], None]) -> None:
        super().__init__()
        self._on_fork, self.ended = on_fork, self.answer

    def fork(self, order: Order, ends: RunEnds) -> None:
        """Keep copies, since the supervisor closes its own."""
        self._on_fork(order.index, RunEnds(*map(os.dup, ends)))


class FakeJanitor(Bell):
    """Ends nobody and answers as it was told."""

    def __init__(self, on_order: Callable[[int], None]) -> None:
        super().__init__()
        self._on_order, self.done = on_order, self.answer

    def order(self, uid: int, _slot_gid: int, _slot_folder: Path) -> None:
        """Take an order."""
        self._on_order(uid - FIRST_UID)


class FakeHost:
    """Asks for some runs, keeps what is said, and goes away when all have been reported."""

    def __init__(self, runs: int) -> None:
        self.in_fd, self._their_fd = os.pipe()
        os.write(self._their_fd, b"!" * runs)
        self._waiting, self._left = deque(range(runs)), runs
        self.said: list[tuple[str, bytes, dict[str, Any]]] = []

    def receive(self) -> list[Frame] | None:
        """Return one ``run`` frame a byte."""
        if not os.read(self.in_fd, 1):
            return None
        return [Frame(kind="run", fields={"index": self._waiting.popleft(), "seed": 0})]

    def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
        """Keep a frame."""
        self.said.append((kind, payload, fields))
        self._left -= kind == "finished"
        if self._left == 0:
            os.close(self._their_fd)

    def report(self, index: int) -> tuple[bytes, dict[str, Any]]:
        """Return what was reported of a run."""
        return next((data, of) for kind, data, of in self.said if kind == "finished" and of["index"] == index)


@pytest.fixture(autouse=True)
def _signals_as_before() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGCHLD)
    yield
    with contextlib.suppress(ValueError):
        signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, handler)


def serve(zygote: FakeZygote, janitor: FakeJanitor, host: FakeHost) -> None:
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
    with contextlib.closing(zygote), contextlib.closing(janitor):
        Supervisor(job, cast(Stdio, host), cast(Janitor, janitor), cast(Zygote, zygote)).serve()
    os.close(host.in_fd)


def close(ends: RunEnds) -> None:
    for fd in ends:
        os.close(fd)


def test_a_result_counts_that_was_sent_before_its_process_ended() -> None:
    """Though the supervisor hears of the end first, it reads what the pipe holds."""

    def goes_well(index: int, ends: RunEnds) -> None:
        os.write(ends.result, WHOLE)
        close(ends)
        zygote.ring(index, 0)

    zygote, host = FakeZygote(goes_well), FakeHost(runs=1)
    janitor = FakeJanitor(lambda index: janitor.ring(FIRST_UID + index, True))
    serve(zygote, janitor, host)
    payload, said = host.report(0)
    assert (payload, said["result"]) == (b"four", "checkpoint")


def test_a_result_does_not_count_that_another_process_sends_after_the_end() -> None:
    """Its time has stopped by then: a process that is not ended at once could work on for nothing."""
    kept: list[RunEnds] = []

    def ends_at_once(index: int, ends: RunEnds) -> None:
        os.write(ends.result, WHOLE[:-1])
        kept.append(ends)
        zygote.ring(index, 0)

    def late(index: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(kept[0].result, WHOLE[-1:])
        close(kept[0])
        janitor.ring(FIRST_UID + index, True)

    zygote, janitor, host = FakeZygote(ends_at_once), FakeJanitor(late), FakeHost(runs=1)
    serve(zygote, janitor, host)
    payload, said = host.report(0)
    assert (payload, said["result"], said["ended_by"]) == (b"", "broken", "")


def test_a_process_that_ends_after_its_run_was_reported_harms_nobody() -> None:
    """It left something that cannot be removed, and took its time to die; the run beside it is done to its end."""
    kept: dict[int, RunEnds] = {}

    def begins(index: int, ends: RunEnds) -> None:
        kept[index] = ends
        if len(kept) == 2:
            os.write(kept[0].result, WHOLE)

    def ends(index: int) -> None:
        if index == 1:
            zygote.ring(1, 0)
        janitor.ring(FIRST_UID + index, index == 1)

    class Host(FakeHost):
        def send(self, kind: str, payload: bytes = b"", **fields: Any) -> None:
            super().send(kind, payload, **fields)
            if (kind, fields["index"]) == ("finished", 0):
                zygote.ring(0, signal.SIGKILL)
                os.write(kept[1].result, WHOLE)

    zygote, janitor, host = FakeZygote(begins), FakeJanitor(ends), Host(runs=2)
    serve(zygote, janitor, host)
    assert [host.report(index)[1]["wiped"] for index in (0, 1)] == [False, True]
    assert host.report(1)[0] == b"four"
    for one in kept.values():
        close(one)
