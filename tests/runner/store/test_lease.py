"""One process at a time holds an evaluation's lease, despite clock jumps and suspended processes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from runner.errors import HostNotReadyError, TakenOverError
from runner.store.lease import Lease, evaluation_lease
from runner.store.open_store import open_store
from runner.store.records import RunRecord
from runner.store.schema import LeaseRow
from runner.store.store import Store
from runner.verdict import Verdict
from tests.support.clock import Clock
from tests.support.databases.fixtures import PrepareStore
from tests.support.records import evaluation_record

ID = "0123456789ab"
NEVER = 1e6


def run_of(index: int, attempt: int) -> RunRecord:
    return RunRecord(
        index=index,
        seed=1,
        attempt=attempt,
        verdict=Verdict.OK,
        detail="",
        host_seconds=1.0,
        run_seconds=1.0,
        checkpoint_sha256="d" * 64,
        log_bytes_dropped=0,
    )


@pytest.fixture
def store(tmp_path: Path, prepare_store: PrepareStore) -> Iterator[Store]:
    with closing(open_store(prepare_store(tmp_path / "store"), create=True)) as opened:
        opened.begin(evaluation_record(id=ID, challenge="tiny", n=4))
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock(1_000_000.0)


def lease(
    store: Store,
    clock: Clock,
    holder: str,
    place: str = "",
    wait: Callable[[float], object] = lambda _seconds: None,
) -> Lease:
    """Return a lease that is renewed only by an explicit call."""
    return Lease(
        store.database,
        ID,
        holder=holder,
        place=place or holder,
        lease_seconds=120.0,
        beat_seconds=NEVER,
        clock=clock,
        wait=wait,
    )


def test_a_second_holder_is_refused_with_holder_and_expiry(store: Store, clock: Clock) -> None:
    """The error is one sentence, and the first holder keeps the lease."""
    with lease(store, clock, "host-a, process 1") as first:
        with pytest.raises(HostNotReadyError, match=r"host-a, process 1 .*1970-01-12 13:48:40 UTC") as caught:
            lease(store, clock, "host-b, process 2").__enter__()
        assert "\n" not in str(caught.value)
        assert first.renew()
    with lease(store, clock, "host-b, process 2"):
        pass


def test_tokens_only_increase(store: Store, clock: Clock) -> None:
    """Each time the lease is released and taken again, its token is higher."""
    tokens = []
    for _ in range(3):
        with lease(store, clock, "host-a") as mine:
            tokens.append(mine.token)
    assert tokens == [1, 2, 3]


def test_a_resumed_process_writes_nothing_after_a_takeover(store: Store, clock: Clock) -> None:
    """Every kind of write is refused with the reason, and changes nothing."""
    with lease(store, clock, "host-a") as suspended:
        number = store.begin_attempt(ID, token=suspended.token)
        assert store.publish(ID, run_of(0, number), token=suspended.token)
        clock.now += 121.0
        with lease(store, clock, "host-b, process 7") as mine:
            before = store.runs(ID)
            for write in (
                lambda: store.publish(ID, run_of(1, number), token=suspended.token),
                lambda: store.mark_evaluated(ID, 0, outputs_sha256="e" * 64, token=suspended.token),
                lambda: store.mark_unevaluated(ID, 0, token=suspended.token),
                lambda: store.reject(ID, 0, "nonsense", token=suspended.token),
                lambda: store.withdraw(ID, [0], token=suspended.token),
                lambda: store.begin_attempt(ID, token=suspended.token),
                lambda: store.finish(ID, {}, token=suspended.token),
            ):
                with pytest.raises(TakenOverError, match="taken over by host-b, process 7"):
                    write()
            assert store.runs(ID) == before
            assert store.evaluation(ID).summary is None
            assert not suspended.renew()
            with pytest.raises(TakenOverError):
                suspended.raise_if_lost()
            assert store.publish(ID, run_of(1, store.begin_attempt(ID, token=mine.token)), token=mine.token)


def test_an_older_attempt_publishes_nothing(store: Store) -> None:
    """The attempt number alone is a fence, without any lease."""
    old, new = store.begin_attempt(ID), store.begin_attempt(ID)
    with pytest.raises(TakenOverError, match=r"Attempt 1 .* no longer the newest"):
        store.publish(ID, run_of(0, old))
    assert store.publish(ID, run_of(0, new))
    assert [run.attempt for run in store.runs(ID)] == [2]


def test_a_clock_that_is_ahead_takes_no_lease(store: Store, clock: Clock) -> None:
    """A process that reads an expired lease watches it first; a holder that renews it keeps it."""
    with lease(store, clock, "host-a") as first:
        ahead = Clock(1_000_000.0)
        ahead.now = clock.now + 10_000.0
        with pytest.raises(HostNotReadyError, match="host-a"):
            lease(store, ahead, "host-b", wait=lambda _seconds: first.renew()).__enter__()
        first.raise_if_lost()


@pytest.mark.parametrize("jump", [-100_000.0, -60.0, 60.0, 100_000.0])
def test_a_holder_whose_clock_jumps_keeps_its_lease(store: Store, clock: Clock, jump: float) -> None:
    """It holds the lease until another process takes it, and renews it whatever its clock shows."""
    with lease(store, clock, "host-a") as mine:
        clock.now += jump
        assert mine.renew()
        assert store.begin_attempt(ID, token=mine.token) == 1


def test_a_small_clock_difference_takes_no_lease(store: Store, clock: Clock) -> None:
    """A minute between two clocks is less than a lease lasts, so the second is refused without waiting."""
    with lease(store, clock, "host-a"):
        other = Clock(1_000_000.0)
        other.now = clock.now + 60.0
        waits: list[float] = []
        with pytest.raises(HostNotReadyError):
            lease(store, other, "host-b", wait=waits.append).__enter__()
        assert waits == []


def test_one_of_two_processes_takes_an_expired_lease(store: Store, clock: Clock) -> None:
    """The faster process takes it; the other is refused."""
    dead = lease(store, clock, "host-a")
    dead._take()
    clock.now += 1000.0
    faster = lease(store, clock, "host-b")
    with pytest.raises(HostNotReadyError, match="host-b"):
        lease(store, clock, "host-c", wait=lambda _seconds: faster._take()).__enter__()
    assert faster.token == 2


def test_the_lock_file_of_a_dead_holder_makes_waiting_unnecessary(store: Store, clock: Clock) -> None:
    """After kill -9 on the same machine, acquiring the holder's lock file proves that it is dead."""
    lease(store, clock, "host-a, process 1", place="boot 1:2")._take()
    waits: list[float] = []
    with lease(store, clock, "host-a, process 2", place="boot 1:2", wait=waits.append) as mine:
        assert mine.token == 2
    assert waits == []


def test_a_lease_renews_itself(store: Store) -> None:
    """A background thread renews it until it is released."""
    with Lease(store.database, ID, holder="host-a", place="x", beat_seconds=0.01):
        renewed = threading.Event()
        for _ in range(30_000):  # minutes: a busy disk is no counterexample
            with store.database.reading() as session:
                if session.scalars(select(LeaseRow.beats)).one() >= 3:
                    renewed.set()
                    break
            renewed.wait(0.01)
        assert renewed.is_set()
    with store.database.reading() as session:
        assert session.scalars(select(LeaseRow.holder)).one() == ""


def test_the_lock_file_excludes_other_processes_of_this_machine(store: Store, tmp_path: Path) -> None:
    """The error names the process that holds it."""
    folder = tmp_path / "store"
    with (
        evaluation_lease(store.database, folder, ID),
        pytest.raises(HostNotReadyError, match=r"process \d+ .*UTC"),
        evaluation_lease(store.database, folder, ID),
    ):
        pass
    with evaluation_lease(store.database, folder, ID) as again:
        assert again.token == 2


def test_an_unknown_lock_file_does_not_prove_that_the_holder_is_dead(store: Store, clock: Clock) -> None:
    """Two holders without a known lock file are not the same process."""
    first = Lease(store.database, ID, holder="host-a", place="", clock=clock)
    first._take()
    with pytest.raises(HostNotReadyError, match="host-a"):
        Lease(store.database, ID, holder="host-b", place="", clock=clock)._take()
