"""Runs are spread over containers, and no two of them are ever in one container at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from runner.clients.runs import EndedRun, PlannedRun
from runner.errors import SandboxLostError, SandboxStartError
from runner.execution.containers import Containers
from tests.support.fake_executor import ended_run
from tests.support.fake_stream import FakeStream

PLANNED = [PlannedRun(index=index, seed=index) for index in range(12)]
RUN_SECONDS = 0.01


def new_stream() -> FakeStream:
    """Return a stream on which nothing is sent; it counts its ends and removals."""
    return FakeStream(lambda _frame: [])


@dataclass
class Client:
    """A container's client that records which runs it executes, and refuses two at a time."""

    lasts: int
    """Number of runs after which it is not usable any more."""

    executed: list[int] = field(default_factory=list)
    in_progress: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_usable(self) -> bool:
        return len(self.executed) < self.lasts

    def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
        assert self.is_usable
        assert self.in_progress.acquire(blocking=False), "two runs in one container"
        time.sleep(RUN_SECONDS)
        self.executed += [run.index for run in planned]
        self.in_progress.release()
        yield from (ended_run(run.index) for run in planned)


class Host:
    """Starts streams and clients, and keeps them."""

    def __init__(self, *, lasts: int = 10**6, starts: Callable[[int], None] = lambda _count: None) -> None:
        self.streams: list[FakeStream] = []
        self.clients: list[Client] = []
        self._lasts, self._starts = lasts, starts
        self._lock = threading.Lock()

    def start(self, _resources: object = None) -> FakeStream:
        with self._lock:
            self._starts(len(self.streams))
            self.streams.append(new_stream())
            return self.streams[-1]

    def connect(self, _stream: object) -> Client:
        with self._lock:
            self.clients.append(Client(self._lasts))
            return self.clients[-1]

    def containers(self, *, concurrency: int, reuse: bool) -> Containers:
        return Containers(start=self.start, connect=self.connect, concurrency=concurrency, reuse=reuse)


@pytest.mark.parametrize("concurrency", [1, 2, 5])
def test_each_container_executes_one_run_after_another(concurrency: int) -> None:
    """No more containers are started than runs go on at once, and every run ends once."""
    host = Host()
    with host.containers(concurrency=concurrency, reuse=True) as containers:
        ended = [run.index for run in containers.execute(PLANNED)]
    assert sorted(ended) == list(range(12))
    assert len(host.clients) <= concurrency
    assert sorted(index for client in host.clients for index in client.executed) == list(range(12))
    assert all(stream.removed for stream in host.streams)


@pytest.mark.parametrize("reuse", [True, False])
def test_no_container_is_started_beside_others_without_room(reuse: bool) -> None:
    """The first one is started in any case, so that every run ends; the host is asked for the others."""
    host, asked = Host(), list[int]()

    def has_room_for(count: int) -> bool:
        asked.append(count)
        return False

    containers = Containers(
        start=host.start,
        connect=host.connect,
        concurrency=3,
        reuse=reuse,
        has_room_for=has_room_for,
    )
    with containers:
        assert len(list(containers.execute(PLANNED))) == 12
    assert len(host.clients) == (1 if reuse else 12)
    assert set(asked) <= {1, 2}


def test_room_for_some_containers_is_used() -> None:
    """As many run at a time as fit, those that are about to start included."""
    host = Host()
    containers = Containers(
        start=host.start,
        connect=host.connect,
        concurrency=5,
        reuse=True,
        has_room_for=lambda count: len(host.streams) + count <= 3,
    )
    with containers:
        assert len(list(containers.execute(PLANNED))) == 12
    assert 1 <= len(host.clients) <= 3


def test_without_reuse_every_run_has_its_own_container() -> None:
    """It is removed before the evaluation is over."""
    host = Host()
    with host.containers(concurrency=3, reuse=False) as containers:
        assert len(list(containers.execute(PLANNED))) == 12
        assert all(stream.removed for stream in host.streams)
    assert [len(client.executed) for client in host.clients] == [1] * 12


def test_a_container_that_is_not_usable_any_more_is_replaced() -> None:
    """As after a run that could not be cleaned up, or that ended its container."""
    host = Host(lasts=5)
    with host.containers(concurrency=1, reuse=True) as containers:
        assert [run.index for run in containers.execute(PLANNED)] == list(range(12))
    assert [len(client.executed) for client in host.clients] == [5, 5, 2]
    assert all(stream.removed for stream in host.streams)


def test_a_container_that_does_not_start_ends_it_and_removes_the_others() -> None:
    """The failure is the caller's to report; nothing is left."""

    def fail_second(count: int) -> None:
        if count == 1:
            raise SandboxStartError("no room")

    host = Host(starts=fail_second, lasts=1)
    with (
        pytest.raises(SandboxStartError, match="no room"),
        host.containers(concurrency=1, reuse=True) as containers,
    ):
        list(containers.execute(PLANNED))
    assert all(stream.removed for stream in host.streams)


def test_leaving_early_ends_and_removes_all_containers() -> None:
    """Those in use and those between two runs."""
    host = Host()
    with host.containers(concurrency=3, reuse=True) as containers:
        for _run in containers.execute(PLANNED):
            break
    assert host.streams
    assert all(stream.killed and stream.removed for stream in host.streams)


def test_a_run_that_no_container_reports_is_a_lost_sandbox() -> None:
    """It is attempted again by whoever called."""

    class Silent(Client):
        def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
            return iter(())

    host = Host()
    containers = Containers(start=host.start, connect=lambda _stream: Silent(1), concurrency=1, reuse=True)
    with containers, pytest.raises(SandboxLostError):
        list(containers.execute(PLANNED))
    assert all(stream.removed for stream in host.streams)


def test_once_enough_is_enough_no_run_is_started() -> None:
    """Runs in progress end."""
    host = Host()
    ended: list[int] = []
    with host.containers(concurrency=2, reuse=True) as containers:
        runs = containers.execute(PLANNED, enough=lambda: len(ended) >= 4)
        ended.extend(run.index for run in runs)
    assert 4 <= len(ended) <= 6


def test_while_nothing_may_start_nothing_does() -> None:
    """The first run waits for the caller's permission."""
    host = Host()
    answers = iter([False, False])
    with host.containers(concurrency=1, reuse=True) as containers:
        runs = list(containers.execute(PLANNED[:2], may_start=lambda: next(answers, True)))
    assert [run.index for run in runs] == [0, 1]


def test_without_room_the_host_is_not_asked_at_every_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, then again when a run has ended; while nothing may start, not at all."""
    monkeypatch.setattr("runner.execution.containers._WAIT_SECONDS", RUN_SECONDS / 10)
    host, asked, ended, may_start = Host(), list[int](), list[int](), list[bool]()

    def has_room_for(count: int) -> bool:
        asked.append(count)
        return False

    def may_start_the_first() -> bool:
        may_start.append(len(may_start) == 0)
        return may_start[-1]

    def containers() -> Containers:
        return Containers(
            start=host.start, connect=host.connect, concurrency=3, reuse=True, has_room_for=has_room_for
        )

    with containers() as some:
        ended = [run.index for run in some.execute(PLANNED[:3])]
    assert ended == [0, 1, 2]
    assert len(asked) == 2
    asked.clear()
    with containers() as some:
        runs = some.execute(PLANNED[:2], may_start=may_start_the_first)
        assert next(runs).index == 0
    assert len(may_start) >= 2
    assert asked == []


def test_the_answer_that_there_is_no_room_does_not_hold_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another evaluation may have ended."""
    monkeypatch.setattr("runner.execution.containers._WAIT_SECONDS", RUN_SECONDS / 10)
    monkeypatch.setattr("runner.execution.containers._ASK_AGAIN_SECONDS", RUN_SECONDS / 5)
    host, asked, asked_again = Host(), list[int](), threading.Event()

    def has_room_for(count: int) -> bool:
        asked.append(count)
        if len(asked) > 1:
            asked_again.set()
        return len(asked) > 1

    class Waiting(Client):
        def execute(self, planned: Sequence[PlannedRun]) -> Iterator[EndedRun]:
            assert asked_again.wait(10)
            return super().execute(planned)

    containers = Containers(
        start=host.start,
        connect=lambda _stream: Waiting(10),
        concurrency=2,
        reuse=True,
        has_room_for=has_room_for,
    )
    with containers:
        assert len(list(containers.execute(PLANNED[:2]))) == 2
    assert len(asked) == 2
