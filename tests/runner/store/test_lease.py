"""Does one process at a time have an evaluation, whatever clocks and sleeping processes do?"""

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
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.schema import LeaseRow
from runner.store.store import Store
from runner.verdict import Verdict
from tests.support.clock import Clock

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
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(open_store(tmp_path / "store", create=True)) as opened:
        opened.begin(
            EvaluationRecord(
                id=ID,
                submission_sha256="a" * 64,
                submission="mine",
                archive_bytes=1,
                challenge="tiny",
                challenge_sha256="b" * 64,
                image="c" * 64,
                n=4,
            )
        )
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
    """Return a lease that renews itself only when it is told to."""
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


def test_a_second_holder_is_told_who_has_it_and_until_when(store: Store, clock: Clock) -> None:
    """In one sentence; the first one keeps it."""
    with lease(store, clock, "host-a, process 1") as first:
        with pytest.raises(HostNotReadyError, match=r"host-a, process 1 .*1970-01-12 13:48:40 UTC") as told:
            lease(store, clock, "host-b, process 2").__enter__()
        assert "\n" not in str(told.value)
        assert first.renew()
    with lease(store, clock, "host-b, process 2"):
        pass


def test_tokens_only_rise(store: Store, clock: Clock) -> None:
    """Letting go and taking again gives a higher one each time."""
    tokens = []
    for _ in range(3):
        with lease(store, clock, "host-a") as mine:
            tokens.append(mine.token)
    assert tokens == [1, 2, 3]


def test_who_comes_back_after_a_takeover_writes_nothing(store: Store, clock: Clock) -> None:
    """Every kind of writing is refused with what happened, and changes nothing."""
    with lease(store, clock, "host-a") as slept:
        number = store.begin_attempt(ID, token=slept.token)
        assert store.publish(ID, run_of(0, number), token=slept.token)
        clock.now += 121.0
        with lease(store, clock, "host-b, process 7") as mine:
            before = store.runs(ID)
            for write in (
                lambda: store.publish(ID, run_of(1, number), token=slept.token),
                lambda: store.mark_evaluated(ID, 0, outputs_sha256="e" * 64, token=slept.token),
                lambda: store.mark_unevaluated(ID, 0, token=slept.token),
                lambda: store.reject(ID, 0, "nonsense", token=slept.token),
                lambda: store.withdraw(ID, [0], token=slept.token),
                lambda: store.begin_attempt(ID, token=slept.token),
                lambda: store.finish(ID, {}, token=slept.token),
            ):
                with pytest.raises(TakenOverError, match="taken over by host-b, process 7"):
                    write()
            assert store.runs(ID) == before
            assert store.evaluation(ID).summary is None
            assert not slept.renew()
            with pytest.raises(TakenOverError):
                slept.raise_if_lost()
            assert store.publish(ID, run_of(1, store.begin_attempt(ID, token=mine.token)), token=mine.token)


def test_an_attempt_that_is_not_the_newest_publishes_nothing(store: Store) -> None:
    """Its number is a fence of its own, without any lease."""
    old, new = store.begin_attempt(ID), store.begin_attempt(ID)
    with pytest.raises(TakenOverError, match=r"Attempt 1 .* no longer the newest"):
        store.publish(ID, run_of(0, old))
    assert store.publish(ID, run_of(0, new))
    assert [run.attempt for run in store.runs(ID)] == [2]


def test_a_clock_that_is_ahead_steals_nothing(store: Store, clock: Clock) -> None:
    """Who finds a lease expired watches it: a holder that renews it meanwhile keeps it."""
    with lease(store, clock, "host-a") as first:
        ahead = Clock(1_000_000.0)
        ahead.now = clock.now + 10_000.0
        with pytest.raises(HostNotReadyError, match="host-a"):
            lease(store, ahead, "host-b", wait=lambda _seconds: first.renew()).__enter__()
        first.raise_if_lost()


@pytest.mark.parametrize("jump", [-100_000.0, -60.0, 60.0, 100_000.0])
def test_a_holder_whose_clock_jumps_loses_nothing(store: Store, clock: Clock, jump: float) -> None:
    """It has the lease until somebody takes it, and renews it whatever its clock says."""
    with lease(store, clock, "host-a") as mine:
        clock.now += jump
        assert mine.renew()
        assert store.begin_attempt(ID, token=mine.token) == 1


def test_a_small_jump_lets_nobody_in(store: Store, clock: Clock) -> None:
    """A minute between two clocks is less than what a lease lasts; nobody even waits."""
    with lease(store, clock, "host-a"):
        other = Clock(1_000_000.0)
        other.now = clock.now + 60.0
        waited: list[float] = []
        with pytest.raises(HostNotReadyError):
            lease(store, other, "host-b", wait=waited.append).__enter__()
        assert waited == []


def test_of_two_that_find_it_expired_one_takes_it(store: Store, clock: Clock) -> None:
    """The one that was faster; the other is told."""
    dead = lease(store, clock, "host-a")
    dead._take()
    clock.now += 1000.0
    faster = lease(store, clock, "host-b")
    with pytest.raises(HostNotReadyError, match="host-b"):
        lease(store, clock, "host-c", wait=lambda _seconds: faster._take()).__enter__()
    assert faster.token == 2


def test_who_has_the_dead_holders_lock_need_not_wait(store: Store, clock: Clock) -> None:
    """As after kill -9 on the same machine: the same lock, now ours, says that the holder is dead."""
    lease(store, clock, "host-a, process 1", place="boot 1:2")._take()
    waited: list[float] = []
    with lease(store, clock, "host-a, process 2", place="boot 1:2", wait=waited.append) as mine:
        assert mine.token == 2
    assert waited == []


def test_a_lease_renews_itself(store: Store) -> None:
    """A thread of its own does it, until the lease is let go."""
    with Lease(store.database, ID, holder="host-a", place="x", beat_seconds=0.01):
        seen = threading.Event()
        for _ in range(30_000):  # minutes: a busy disk is no counterexample
            with store.database.reading() as session:
                if session.scalars(select(LeaseRow.beats)).one() >= 3:
                    seen.set()
                    break
            seen.wait(0.01)
        assert seen.is_set()
    with store.database.reading() as session:
        assert session.scalars(select(LeaseRow.holder)).one() == ""


def test_a_locked_file_keeps_other_processes_of_this_machine_away(store: Store, tmp_path: Path) -> None:
    """The sentence names the process that has it."""
    folder = tmp_path / "store"
    with (
        evaluation_lease(store.database, folder, ID),
        pytest.raises(HostNotReadyError, match=r"process \d+ .*UTC"),
        evaluation_lease(store.database, folder, ID),
    ):
        pass
    with evaluation_lease(store.database, folder, ID) as again:
        assert again.token == 2


def test_a_place_that_cannot_be_named_proves_no_death(store: Store, clock: Clock) -> None:
    """Two holders without a place are not one."""
    first = Lease(store.database, ID, holder="host-a", place="", clock=clock)
    first._take()
    with pytest.raises(HostNotReadyError, match="host-a"):
        Lease(store.database, ID, holder="host-b", place="", clock=clock)._take()
