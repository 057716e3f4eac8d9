"""Does what is published stay, once, for everyone who opens the same store?"""

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
from runner.store.listing import DATABASE_FILE
from runner.store.open_store import open_store
from runner.store.records import EvaluationRecord, RunRecord
from runner.store.schema import RunRow
from runner.store.store import Store
from runner.verdict import Verdict

EVALUATION = EvaluationRecord(
    id="0123456789ab",
    submission_sha256="a" * 64,
    submission="mine",
    archive_bytes=100,
    challenge="tiny",
    challenge_sha256="b" * 64,
    image="c" * 64,
    n=4,
)
ID = EVALUATION.id


def run_of(index: int, **changes: object) -> RunRecord:
    """Return a run that went well, with some of it changed."""
    fine = RunRecord(
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
    return replace(fine, **changes)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return a store with one evaluation."""
    with closing(open_store(tmp_path / "store", create=True)) as opened:
        opened.begin(EVALUATION)
        yield opened


def test_published_runs_come_back_as_they_were(store: Store) -> None:
    """Every field survives, seeds of 63 bits and strangers' text among them; runs come by index."""
    runs = [
        run_of(2, verdict=Verdict.CRASHED, detail="ε [red]\n'; DROP TABLE runs; --", checkpoint_sha256=""),
        run_of(0),
        run_of(1, log_bytes_dropped=10**12, attempt=3),
    ]
    assert all(store.publish(ID, run) for run in runs)
    assert store.runs(ID) == sorted(runs, key=lambda run: run.index)


def test_a_run_is_published_once(store: Store) -> None:
    """The first verdict stands: a second one is refused and changes nothing."""
    assert store.publish(ID, run_of(0)) is True
    assert store.publish(ID, run_of(0, verdict=Verdict.CRASHED, detail="later", attempt=2)) is False
    assert store.runs(ID) == [run_of(0)]


def test_same_index_in_another_evaluation_is_another_run(store: Store) -> None:
    """Evaluations do not get in each other's way."""
    store.begin(replace(EVALUATION, id="ffff00000000", n=5))
    assert store.publish(ID, run_of(0))
    assert store.publish("ffff00000000", run_of(0, detail="other"))
    store.mark_evaluated("ffff00000000", 0)
    store.reject("ffff00000000", 0, "nonsense")
    assert store.runs(ID) == [run_of(0)]
    store.withdraw("ffff00000000", [0])
    assert store.runs(ID) == [run_of(0)]


def test_run_of_an_unknown_evaluation(store: Store) -> None:
    """A run that belongs nowhere is an error of ours, not one that was published before."""
    with pytest.raises(HostNotReadyError):
        store.publish("unknown", run_of(0))


def test_resumed_after_closing(store: Store, tmp_path: Path) -> None:
    """What was published is there for the next command, which notes the same evaluation again."""
    store.publish(ID, run_of(1))
    store.close()
    with closing(open_store(tmp_path / "store", create=False)) as later:
        later.begin(EVALUATION)
        assert later.runs(ID) == [run_of(1)]
        assert len(later.evaluations()) == 1


def test_two_stores_on_one_folder(store: Store, tmp_path: Path) -> None:
    """Two processes with the same folder see each other's runs at once, and one of them is first."""
    with closing(open_store(tmp_path / "store", create=True)) as other:
        assert store.publish(ID, run_of(0))
        assert other.runs(ID) == [run_of(0)]
        assert not other.publish(ID, run_of(0, attempt=2))
        assert other.publish(ID, run_of(1))
        assert store.runs(ID) == [run_of(0), run_of(1)]


def test_threads_publish_each_run_once(store: Store) -> None:
    """Of eight threads that publish the same runs, exactly one is first with each."""

    def publish_all(attempt: int) -> list[bool]:
        return [store.publish(ID, run_of(index, attempt=attempt)) for index in range(10)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(publish_all, range(8)))
    assert [sum(column) for column in zip(*answers, strict=True)] == [1] * 10
    assert all(answers[run.attempt][run.index] for run in store.runs(ID))


def at_once(count: int, work: Callable[[], object]) -> None:
    """Do work in several threads that begin together; raise what any of them raised."""
    barrier = threading.Barrier(count)

    def wait_and_work() -> None:
        barrier.wait()
        work()

    with ThreadPoolExecutor(count) as pool:
        for future in [pool.submit(wait_and_work) for _ in range(count)]:
            future.result()


def test_writers_wait_for_each_other(store: Store, tmp_path: Path) -> None:
    """Connections that write at the same time take turns; none is told that the database is locked."""
    for index in range(4):
        store.publish(ID, run_of(index))

    def write() -> None:
        with closing(open_store(tmp_path / "store", create=True)) as mine:
            for index in range(4):
                mine.mark_evaluated(ID, index)

    at_once(6, write)
    assert all(run.evaluated for run in store.runs(ID))


def test_begun_at_once(store: Store) -> None:
    """Evaluations of one new submission that begin together do not trip each other up."""
    numbers = itertools.count()
    for attempt in range(30):
        new = replace(EVALUATION, submission_sha256=f"{attempt:064}")
        at_once(4, lambda new=new: store.begin(replace(new, id=f"{next(numbers):012}")))  # type: ignore[misc]


def test_opened_at_once(tmp_path: Path) -> None:
    """Commands that open a new store together all find it open."""
    for attempt in range(30):
        folder = tmp_path / str(attempt)
        at_once(4, lambda folder=folder: open_store(folder, create=True).close())  # type: ignore[misc]


def test_mark_evaluated(store: Store) -> None:
    """Only the run that is named is noted."""
    store.publish(ID, run_of(0))
    store.publish(ID, run_of(1))
    store.mark_evaluated(ID, 1)
    assert [run.evaluated for run in store.runs(ID)] == [False, True]


def test_reject(store: Store) -> None:
    """A rejected run keeps all but its verdict and the reason."""
    store.publish(ID, run_of(0))
    store.publish(ID, run_of(1))
    store.reject(ID, 0, "its logits are not finite")
    assert store.runs(ID) == [
        run_of(0, verdict=Verdict.BAD_CHECKPOINT, detail="its logits are not finite"),
        run_of(1),
    ]


def test_withdraw(store: Store) -> None:
    """Withdrawn runs are gone and can be published anew; no others are touched."""
    for index in range(4):
        store.publish(ID, run_of(index))
    store.withdraw(ID, [0, 3, 99])
    assert [run.index for run in store.runs(ID)] == [1, 2]
    store.withdraw(ID, [])
    assert store.publish(ID, run_of(3, attempt=2))
    assert [run.attempt for run in store.runs(ID)] == [1, 1, 2]


def test_withdraw_of_the_largest_evaluation(store: Store) -> None:
    """As many runs as an evaluation may have can be withdrawn at once."""
    store.publish(ID, run_of(19_999))
    store.withdraw(ID, range(20_000))
    assert store.runs(ID) == []


def test_attempts_are_numbered(store: Store) -> None:
    """Attempts count from 1 in each evaluation, whether or not the one before has ended."""
    store.begin(replace(EVALUATION, id="ffff00000000", n=5))
    assert [store.begin_attempt(ID), store.begin_attempt(ID)] == [1, 2]
    store.end_attempt(ID, 2, "done")
    assert store.begin_attempt(ID) == 3
    assert store.begin_attempt("ffff00000000") == 1


def test_summary_round_trip(store: Store) -> None:
    """There is no summary until there is one; then it comes back, and a later one replaces it."""
    assert store.evaluation(ID).summary is None
    assert store.find_evaluation("unknown") is None
    summary = {"score": 0.123456789012345, "n": 4, "verdicts": {"ok": 4}, "warnings": ["ε"], "reason": None}
    store.finish(ID, summary)
    assert store.evaluation(ID).summary == summary
    store.finish(ID, {"score": None})
    assert store.evaluation(ID).summary == {"score": None}


def test_seconds_add_up(store: Store) -> None:
    """Time over several commands is summed."""
    assert store.add_seconds(ID, 1.5) == 1.5
    assert store.add_seconds(ID, 2.25) == 3.75


def test_evaluations_come_in_the_order_they_began(store: Store) -> None:
    """The oldest is first, whatever its name; noting one again does not move it."""
    store.begin(replace(EVALUATION, id="ffffffffffff", n=1))
    store.begin(replace(EVALUATION, id="000000000000", n=2))
    store.begin(replace(EVALUATION, n=99))
    store.finish("ffffffffffff", {"score": 0.5})
    stored = store.evaluations()
    assert [item.id for item in stored] == [ID, "ffffffffffff", "000000000000"]
    assert [item.n for item in stored] == [4, 1, 2]
    assert [item.summary for item in stored] == [None, {"score": 0.5}, None]


def test_find(store: Store) -> None:
    """The beginning of a name is enough where only one begins so."""
    store.begin(replace(EVALUATION, id="0123ffffffff", n=5))
    assert store.find("01234") == ID
    assert store.find(ID) == ID
    for prefix, how_many in [("0123", "2 evaluations begin"), ("9", "No evaluation begins"), ("", "2 ")]:
        with pytest.raises(ConfigurationError, match=how_many):
            store.find(prefix)


@pytest.mark.parametrize("prefix", ["%", "_", "0_23", "%ab", "\\", "'"])
def test_find_takes_signs_literally(store: Store, prefix: str) -> None:
    """What SQL reads as a pattern is no pattern here."""
    with pytest.raises(ConfigurationError, match="No evaluation begins"):
        store.find(prefix)


def test_remove(store: Store) -> None:
    """A removed evaluation is gone with its runs and attempts, and another of the same submission stays."""
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


def test_no_store_to_read(tmp_path: Path) -> None:
    """Where nothing was evaluated, reading is the operator's mistake, and makes no store."""
    with pytest.raises(ConfigurationError, match="no evaluations at"):
        open_store(tmp_path / "nothing", create=False)
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("damage", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 4096])
@pytest.mark.parametrize("create", [True, False])
def test_corrupt_database(tmp_path: Path, damage: bytes, create: bool) -> None:
    """A file that is no database is told in one sentence, and is left as it is."""
    (tmp_path / DATABASE_FILE).write_bytes(damage)
    with pytest.raises(HostNotReadyError, match="The store cannot be used") as caught:
        open_store(tmp_path, create=create)
    assert "\n" not in str(caught.value)
    assert (tmp_path / DATABASE_FILE).read_bytes() == damage


def test_folder_in_the_place_of_the_database(tmp_path: Path) -> None:
    """Where the database cannot be opened, the host is not ready."""
    (tmp_path / DATABASE_FILE).mkdir()
    with pytest.raises(HostNotReadyError, match="The store cannot be used"):
        open_store(tmp_path, create=True)


def test_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    """Where the folder cannot be created, the host is not ready."""
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "file", tmp_path / "file" / "store"):
        with pytest.raises(HostNotReadyError, match="cannot be created"):
            open_store(folder, create=True)


def test_database_that_is_damaged_later(store: Store, tmp_path: Path) -> None:
    """A table that has gone is an error of ours, from every question."""
    store.close()
    for leftover in (tmp_path / "store").iterdir():
        leftover.unlink()
    for question in (
        lambda: store.runs(ID),
        lambda: store.publish(ID, run_of(0)),
        lambda: store.begin(EVALUATION),
        lambda: store.add_seconds(ID, 1.0),
        store.evaluations,
        lambda: store.find(ID),
        lambda: store.evaluation(ID),
    ):
        with pytest.raises(HostNotReadyError):
            question()


@pytest.mark.parametrize("name", ["with space", "Ünïcode", "x#y", "user:word@host"])
def test_names_of_folders(tmp_path: Path, name: str) -> None:
    """The database lies in the folder that was named, whatever signs its name has."""
    open_store(tmp_path / name, create=True).close()
    assert (tmp_path / name / DATABASE_FILE).is_file()


@pytest.mark.parametrize("name", ["what?", "a?b=c"])
def test_names_of_folders_that_urls_know(tmp_path: Path, name: str) -> None:
    """A folder's name with a sign that means something in a URL is a name like any other."""
    with closing(open_store(tmp_path / name, create=True)):
        assert (tmp_path / name / DATABASE_FILE).is_file()


def test_count_that_is_too_large(store: Store) -> None:
    """A count that came over the stream and does not fit is an error of ours, not a traceback."""
    with pytest.raises(HostNotReadyError):
        store.publish(ID, run_of(0, log_bytes_dropped=1 << 70))


@pytest.mark.parametrize("column", ["seed", "log_bytes_dropped"])
def test_postgresql_has_room_for_large_numbers(column: str) -> None:
    """The tables hold 63 bits where a URL names PostgreSQL, too."""
    table = str(CreateTable(RunRow.metadata.tables["runs"]).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]
    assert f"{column} BIGINT" in table
