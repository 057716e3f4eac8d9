"""Writes of many threads share transactions, and each is fenced and answered as if it were alone."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import HostNotReadyError, TakenOverError
from runner.store.database import RowConflictError
from runner.store.lease import evaluation_lease
from runner.store.open_store import open_store
from runner.store.writes.grouped import MAX_GROUP, GroupedWrites
from runner.store.writes.runs import RunWrite, write_runs
from tests.support.records import evaluation_record, run_record


def in_threads(number: int, work: object) -> None:
    assert callable(work)
    threads = [threading.Thread(target=work, args=(each,)) for each in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def test_whoever_comes_meanwhile_is_next_together() -> None:
    """The first is written alone; all that came while it was written share the next transactions."""
    groups: list[int] = []
    release, entered = threading.Event(), threading.Event()

    def execute(writes: Sequence[int]) -> list[int | BaseException]:
        groups.append(len(writes))
        if len(groups) == 1:
            entered.set()
            release.wait(60)
        return [-write for write in writes]

    writes, results = GroupedWrites(execute), list[int]()
    first = threading.Thread(target=lambda: results.append(writes(1)))
    first.start()
    assert entered.wait(60)
    others = [
        threading.Thread(target=lambda each=each: results.append(writes(each))) for each in range(2, 102)
    ]
    for thread in others:
        thread.start()
    while len(writes._waiting) < len(others):
        pass
    release.set()
    for thread in (first, *others):
        thread.join(60)
    assert sorted(results) == [-each for each in range(101, 0, -1)]
    assert groups == [1, MAX_GROUP, 100 - MAX_GROUP]


def test_a_refusal_is_that_of_its_own_call() -> None:
    """So is a key that breaks: the others of the group are written."""

    def execute(writes: Sequence[int]) -> list[int | BaseException]:
        if 7 in writes:
            raise RowConflictError("7")
        return [TakenOverError("no") if write == 3 else write for write in writes]

    writes: GroupedWrites[int, int] = GroupedWrites(execute)
    ended: Counter[str] = Counter()

    def write(number: int) -> None:
        try:
            ended[str(writes(number) == number)] += 1
        except HostNotReadyError as error:
            ended[f"{number}: {type(error).__name__}"] += 1

    in_threads(20, write)
    assert ended == {"True": 18, "3: TakenOverError": 1, "7: RowConflictError": 1}


def test_an_error_reaches_every_call_of_the_group() -> None:
    """And the next one is written again."""
    failing = [True]

    def execute(writes: Sequence[int]) -> list[int | BaseException]:
        if failing[0]:
            raise HostNotReadyError("The disk is full.")
        return list(writes)

    writes: GroupedWrites[int, int] = GroupedWrites(execute)
    with pytest.raises(HostNotReadyError, match="full"):
        writes(1)
    failing[0] = False
    assert writes(2) == 2


def test_an_interrupted_writer_hands_over() -> None:
    """Ctrl-C while it writes ends that call; nobody waits for ever."""
    calls: list[int] = []

    def execute(writes: Sequence[int]) -> list[int | BaseException]:
        calls.extend(writes)
        if calls == [1]:
            raise KeyboardInterrupt
        return list(writes)

    writes: GroupedWrites[int, int] = GroupedWrites(execute)
    with pytest.raises(KeyboardInterrupt):
        writes(1)
    assert writes(2) == 2


def test_runs_of_many_evaluations_are_published_once(tmp_path: Path) -> None:
    """Each thread has the lease of its evaluation; a lost one is refused alone, and no run is lost or doubled."""
    lost: list[str] = []
    with closing(open_store(tmp_path, create=True)) as store:

        def work(number: int) -> None:
            name = f"e{number}"
            store.begin(
                evaluation_record(
                    id=name, submission="s", challenge="c", image="i", n=20, challenge_folder=None
                )
            )
            with evaluation_lease(store.database, tmp_path, name) as lease:
                token = lease.token + (number == 5)  # an earlier holder's would be as wrong
                try:
                    attempt = store.begin_attempt(name, token=lease.token)
                    for index in range(20):
                        assert store.publish(name, run_record(index=index, attempt=attempt), token=token)
                        assert not store.publish(name, run_record(index=index, attempt=attempt), token=token)
                        store.mark_evaluated(name, index, outputs_sha256="c" * 64, token=token)
                except TakenOverError:
                    lost.append(name)

        in_threads(12, work)
        assert lost == ["e5"]
        for number in range(12):
            runs = store.runs(f"e{number}")
            assert [run.index for run in runs] == ([] if number == 5 else list(range(20)))
            assert all(run.evaluated and run.outputs_sha256 for run in runs)


def test_in_a_group_only_what_was_published_before_is_not_published(tmp_path: Path) -> None:
    """The key of the table refuses the transaction; each gets its own answer, and nothing is doubled."""
    groups: list[int] = []
    release, entered = threading.Event(), threading.Event()
    with closing(open_store(tmp_path, create=True)) as store:
        store.begin(evaluation_record(id="a", challenge_folder=None))
        assert store.publish("a", run_record(index=3, detail="the first"))

        def execute(writes: Sequence[RunWrite]) -> list[bool | BaseException]:
            groups.append(len(writes))
            if len(groups) == 1:
                entered.set()
                release.wait(60)
            return write_runs(store.database, writes)

        store.run_writes = GroupedWrites(execute)
        answers: dict[int, bool] = {}

        def publish(index: int) -> None:
            answers[index] = store.publish("a", run_record(index=index, detail="a later one"))

        threads = [threading.Thread(target=publish, args=(index,)) for index in range(6)]
        threads[0].start()
        assert entered.wait(60)
        for thread in threads[1:]:
            thread.start()
        while len(store.run_writes._waiting) < 5:
            pass
        release.set()
        for thread in threads:
            thread.join(60)
        assert answers == {index: index != 3 for index in range(6)}
        assert groups == [1, 5, 1, 1, 1, 1, 1]
        details = {run.index: run.detail for run in store.runs("a")}
    assert details == {index: "the first" if index == 3 else "a later one" for index in range(6)}
