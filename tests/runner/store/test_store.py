"""What is published stays, exactly once, for every process that opens the same store."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

from runner.errors import ConfigurationError, HostNotReadyError
from runner.store.listing import DATABASE_FILE, read_progress
from runner.store.open_store import open_store
from runner.store.records import RunRecord
from runner.store.schema import RunRow
from runner.store.store import Store
from runner.verdict import Verdict
from tests.support.databases.fixtures import PrepareStore
from tests.support.records import evaluation_record

EVALUATION = evaluation_record(archive_bytes=100, challenge="tiny", n=4)
ID = EVALUATION.id


def run_of(index: int, **changes: object) -> RunRecord:
    """Return a successful run with some fields changed."""
    successful = RunRecord(
        index=index,
        seed=(1 << 63) - 1 - index,
        attempt=1,
        verdict=Verdict.OK,
        detail="",
        host_seconds=1.5,
        run_seconds=1.25,
        checkpoint_sha256="d" * 64,
        log_bytes_dropped=0,
    )
    return replace(successful, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path, prepare_store: PrepareStore) -> Iterator[Store]:
    """Return a store with one evaluation."""
    with closing(open_store(prepare_store(tmp_path / "store"), create=True)) as opened:
        opened.begin(EVALUATION)
        yield opened


def test_published_runs_are_read_back_unchanged(store: Store) -> None:
    """Every field is preserved, 63-bit seeds and untrusted text included; runs are ordered by index."""
    runs = [
        run_of(2, verdict=Verdict.CRASHED, detail="ε [red]\n'; DROP TABLE runs; --", checkpoint_sha256=""),
        run_of(0, node="b (10.0.0.2)", device_class="cuda:NVIDIA-H200"),
        run_of(1, log_bytes_dropped=10**12, attempt=3),
    ]
    assert all(store.publish(ID, run) for run in runs)
    assert store.runs(ID) == sorted(runs, key=lambda run: run.index)


def test_a_run_is_published_once(store: Store) -> None:
    """The first verdict stands; a second one is refused and changes nothing."""
    assert store.publish(ID, run_of(0)) is True
    assert store.publish(ID, run_of(0, verdict=Verdict.CRASHED, detail="later", attempt=2)) is False
    assert store.runs(ID) == [run_of(0)]


def test_runs_of_different_evaluations_are_independent(store: Store) -> None:
    """The same index in another evaluation is another run."""
    store.begin(replace(EVALUATION, id="ffff00000000", n=5))
    assert store.publish(ID, run_of(0))
    assert store.publish("ffff00000000", run_of(0, detail="other"))
    store.mark_evaluated("ffff00000000", 0)
    store.reject("ffff00000000", 0, "nonsense")
    assert store.runs(ID) == [run_of(0)]
    store.withdraw("ffff00000000", [0])
    assert store.runs(ID) == [run_of(0)]


def test_a_run_of_an_unknown_evaluation_is_an_error(store: Store) -> None:
    """It is an error of the host, and not reported as a run that was published before."""
    with pytest.raises(HostNotReadyError):
        store.publish("unknown", run_of(0))


def test_a_store_is_resumed_after_closing(store: Store, tmp_path: Path) -> None:
    """Published runs are available to the next command, which records the same evaluation again."""
    store.publish(ID, run_of(1))
    store.close()
    with closing(open_store(tmp_path / "store", create=False)) as later:
        later.begin(EVALUATION)
        assert later.runs(ID) == [run_of(1)]
        assert len(later.evaluations()) == 1


def test_two_processes_share_one_folder(store: Store, tmp_path: Path) -> None:
    """Each sees the other's runs immediately, and a run is published by only one of them."""
    with closing(open_store(tmp_path / "store", create=True)) as other:
        assert store.publish(ID, run_of(0))
        assert other.runs(ID) == [run_of(0)]
        assert not other.publish(ID, run_of(0, attempt=2))
        assert other.publish(ID, run_of(1))
        assert store.runs(ID) == [run_of(0), run_of(1)]


def test_threads_publish_each_run_once(store: Store) -> None:
    """Of eight threads that publish the same runs, exactly one succeeds with each."""

    def publish_all(attempt: int) -> list[bool]:
        return [store.publish(ID, run_of(index, attempt=attempt)) for index in range(10)]

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(publish_all, range(8)))
    assert [sum(column) for column in zip(*results, strict=True)] == [1] * 10
    assert all(results[run.attempt][run.index] for run in store.runs(ID))


def run_concurrently(count: int, work: Callable[[], object]) -> None:
    """Call ``work`` in several threads that start together; raise what any of them raised."""
    barrier = threading.Barrier(count)

    def wait_and_work() -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(wait_and_work) for _ in range(count)]:
            future.result()


def test_writers_wait_for_each_other(store: Store, tmp_path: Path) -> None:
    """Concurrent connections write in turn; none fails because the database is locked."""
    for index in range(4):
        store.publish(ID, run_of(index))

    def write() -> None:
        with closing(open_store(tmp_path / "store", create=True)) as mine:
            for index in range(4):
                mine.mark_evaluated(ID, index)

    run_concurrently(6, write)
    assert all(run.evaluated for run in store.runs(ID))


def test_evaluations_of_one_submission_start_concurrently(store: Store) -> None:
    """Recording the same new submission at the same time is no error."""
    numbers = itertools.count()
    for attempt in range(30):
        new = replace(EVALUATION, submission_sha256=f"{attempt:064}")
        run_concurrently(4, lambda new=new: store.begin(replace(new, id=f"{next(numbers):012}")))  # type: ignore[misc]


def test_a_new_store_is_opened_concurrently(tmp_path: Path) -> None:
    """Several commands can create and open the same store at the same time."""
    for attempt in range(30):
        folder = tmp_path / str(attempt)
        run_concurrently(4, lambda folder=folder: open_store(folder, create=True).close())  # type: ignore[misc]


def test_mark_evaluated_changes_one_run(store: Store) -> None:
    """Only the named run is marked."""
    store.publish(ID, run_of(0))
    store.publish(ID, run_of(1))
    store.mark_evaluated(ID, 1)
    assert [run.evaluated for run in store.runs(ID)] == [False, True]


def test_reject_changes_verdict_and_detail(store: Store) -> None:
    """All other fields of the rejected run, and all other runs, stay."""
    store.publish(ID, run_of(0))
    store.publish(ID, run_of(1))
    store.reject(ID, 0, "its logits are not finite")
    assert store.runs(ID) == [
        run_of(0, verdict=Verdict.BAD_CHECKPOINT, detail="its logits are not finite"),
        run_of(1),
    ]


def test_withdrawn_runs_can_be_published_again(store: Store) -> None:
    """Withdrawing deletes the named runs and touches no others."""
    for index in range(4):
        store.publish(ID, run_of(index))
    store.withdraw(ID, [0, 3, 99])
    assert [run.index for run in store.runs(ID)] == [1, 2]
    store.withdraw(ID, [])
    assert store.publish(ID, run_of(3, attempt=2))
    assert [run.attempt for run in store.runs(ID)] == [1, 1, 2]


def test_the_maximum_number_of_runs_can_be_withdrawn(store: Store) -> None:
    """One call may withdraw as many runs as an evaluation may have."""
    store.publish(ID, run_of(19_999))
    store.withdraw(ID, range(20_000))
    assert store.runs(ID) == []


def test_attempts_are_numbered_from_1(store: Store) -> None:
    """Each evaluation counts its own attempts, whether or not the previous one has ended."""
    store.begin(replace(EVALUATION, id="ffff00000000", n=5))
    assert [store.begin_attempt(ID), store.begin_attempt(ID)] == [1, 2]
    store.end_attempt(ID, 2, "done")
    assert store.begin_attempt(ID) == 3
    assert store.begin_attempt("ffff00000000") == 1


def test_the_device_of_the_newest_attempt_is_at_work(store: Store, tmp_path: Path) -> None:
    """Attempts before it were killed, and their ends not recorded; one that has ended is at no work."""
    for device in ("cpu 1/3", "cpu 3/3", "cpu 2/3"):
        store.begin_attempt(ID, device=device)
    assert store.devices_at_work([ID, "unknown"]) == {ID: "cpu 2/3"}
    assert read_progress(tmp_path / "store", [ID], now=0.0)[ID].device == "cpu 2/3"
    for number in (1, 2, 3):
        store.end_attempt(ID, number, "done")
    assert store.devices_at_work([ID]) == {}


def test_a_summary_is_read_back_unchanged(store: Store) -> None:
    """There is none before the evaluation is finished; a later summary replaces an earlier one."""
    assert store.evaluation(ID).summary is None
    assert store.find_evaluation("unknown") is None
    summary = {"score": 0.123456789012345, "n": 4, "verdicts": {"ok": 4}, "warnings": ["ε"], "reason": None}
    store.finish(ID, summary)
    assert store.evaluation(ID).summary == summary
    store.finish(ID, {"score": None})
    assert store.evaluation(ID).summary == {"score": None}


def test_seconds_are_summed(store: Store) -> None:
    """The time of several commands is added."""
    assert store.add_seconds(ID, 1.5) == 1.5
    assert store.add_seconds(ID, 2.25) == 3.75


def test_evaluations_are_listed_in_the_order_of_their_start(store: Store) -> None:
    """The oldest is first, whatever its name; recording one again does not move it."""
    store.begin(replace(EVALUATION, id="ffffffffffff", n=1))
    store.begin(replace(EVALUATION, id="000000000000", n=2))
    store.begin(replace(EVALUATION, n=99))
    store.finish("ffffffffffff", {"score": 0.5})
    stored = store.evaluations()
    assert [item.id for item in stored] == [ID, "ffffffffffff", "000000000000"]
    assert [item.n for item in stored] == [4, 1, 2]
    assert [item.summary for item in stored] == [None, {"score": 0.5}, None]


def test_a_unique_prefix_is_enough(store: Store) -> None:
    """An ambiguous prefix, and one that no name starts with, are refused."""
    store.begin(replace(EVALUATION, id="0123ffffffff", n=5))
    assert store.find("01234") == ID
    assert store.find(ID) == ID
    for prefix, how_many in [
        ("0123", "2 evaluations begin"),
        ("9", "No evaluation begins"),
        ("", "is empty"),
        (" ", "is empty"),
    ]:
        with pytest.raises(ConfigurationError, match=how_many):
            store.find(prefix)


@pytest.mark.parametrize("prefix", ["%", "_", "0_23", "%ab", "\\", "'"])
def test_find_takes_wildcards_literally(store: Store, prefix: str) -> None:
    """Characters that SQL reads as a pattern match only themselves."""
    with pytest.raises(ConfigurationError, match="No evaluation begins"):
        store.find(prefix)


def test_removal_deletes_one_evaluation(store: Store) -> None:
    """Its runs and attempts are deleted; another evaluation of the same submission stays."""
    store.begin(replace(EVALUATION, id="ffff00000000", n=5))
    for name in (ID, "ffff00000000"):
        store.publish(name, run_of(0))
        store.begin_attempt(name)
    store.remove(ID)
    assert [item.id for item in store.evaluations()] == ["ffff00000000"]
    assert store.runs(ID) == []
    assert store.runs("ffff00000000") == [run_of(0)]
    store.begin(EVALUATION)
    assert store.begin_attempt(ID) == 1


def test_reading_a_missing_store_is_wrong_usage(tmp_path: Path) -> None:
    """Reading where nothing was evaluated is refused, and creates no store."""
    with pytest.raises(ConfigurationError, match="no evaluations at"):
        open_store(tmp_path / "nothing", create=False)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4096])
@pytest.mark.parametrize("create", [True, False])
def test_a_corrupt_database_is_one_sentence(tmp_path: Path, damage: bytes, create: bool) -> None:
    """A file that is not a database is reported, and not changed."""
    (tmp_path / DATABASE_FILE).write_bytes(damage)
    with pytest.raises(HostNotReadyError, match="The store cannot be used") as caught:
        open_store(tmp_path, create=create)
    assert "\n" not in str(caught.value)
    assert (tmp_path / DATABASE_FILE).read_bytes() == damage


def test_a_folder_at_the_path_of_the_database_is_refused(tmp_path: Path) -> None:
    """A database that cannot be opened means that the host is not ready."""
    (tmp_path / DATABASE_FILE).mkdir()
    with pytest.raises(HostNotReadyError, match="The store cannot be used"):
        open_store(tmp_path, create=True)


def test_a_file_at_the_path_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A folder that cannot be created means that the host is not ready."""
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "store"):
        with pytest.raises(HostNotReadyError, match="cannot be created"):
            open_store(folder, create=True)


def test_a_database_that_vanishes_is_an_error_of_every_call(tmp_path: Path) -> None:
    """A missing table raises HostNotReadyError, whichever method is called."""
    store = open_store(tmp_path / "store", create=True)
    store.close()
    for leftover in (tmp_path / "store").iterdir():
        leftover.unlink()
    for call in (
        lambda: store.runs(ID),
        lambda: store.publish(ID, run_of(0)),
        lambda: store.begin(EVALUATION),
        lambda: store.add_seconds(ID, 1.0),
        store.evaluations,
        lambda: store.find(ID),
        lambda: store.evaluation(ID),
    ):
        with pytest.raises(HostNotReadyError):
            call()


@pytest.mark.parametrize("name", ["with space", "Ünïcode", "x#y", "user:word@host"])
def test_folder_names_may_hold_special_characters(tmp_path: Path, name: str) -> None:
    """The database is created in the named folder, whatever characters its name has."""
    open_store(tmp_path / name, create=True).close()
    assert (tmp_path / name / DATABASE_FILE).is_file()


@pytest.mark.parametrize("name", ["what?", "a?b=c"])
def test_folder_names_may_hold_url_syntax(tmp_path: Path, name: str) -> None:
    """A character with a meaning in URLs is an ordinary part of a folder's name."""
    with closing(open_store(tmp_path / name, create=True)):
        assert (tmp_path / name / DATABASE_FILE).is_file()


def test_a_count_that_is_too_large_is_an_error(store: Store) -> None:
    """A received count that does not fit in a column raises HostNotReadyError, not OverflowError."""
    with pytest.raises(HostNotReadyError):
        store.publish(ID, run_of(0, log_bytes_dropped=1 << 70))


@pytest.mark.parametrize("column", ["seed", "log_bytes_dropped"])
def test_postgresql_stores_63_bit_numbers(column: str) -> None:
    """The columns are BIGINT on PostgreSQL."""
    table = str(CreateTable(RunRow.metadata.tables["runs"]).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert f"{column} BIGINT" in table
