"""What holds of every database that a store is opened on: in memory, in a file, and on a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from runner.errors import ConfigurationError, TakenOverError
from runner.store.lease import Lease
from runner.store.listing import DATABASE_FILE, read_listing
from runner.store.open_store import open_store
from runner.store.records import EvaluationRecord, RetrainingRecord
from runner.store.store import Store
from runner.verdict import Verdict
from tests.support.databases.fixtures import DATABASES, preparing
from tests.support.records import evaluation_record, run_record

STORES = ["memory", *DATABASES]
FIRST = evaluation_record(
    submission="mine [bold] ε",
    archive_bytes=1 << 33,
    challenge="tiny",
    n=4,
    challenge_folder="/srv/challenges/tiny",
)
ID = FIRST.id


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = (
        Store("sqlite://")
        if request.param == "memory"
        else open_store(preparing(request.param, request)(tmp_path), create=True)
    )
    with closing(opened):
        opened.begin(FIRST)
        yield opened


def test_an_evaluation_comes_back_as_it_began(store: Store) -> None:
    """With its time in UTC; recording it again changes nothing."""
    store.begin(FIRST)
    (stored,) = store.evaluations()
    assert stored == store.evaluation(ID) == store.find_evaluation(ID)
    assert (stored.submission, stored.n, stored.image) == (FIRST.submission, FIRST.n, FIRST.image)
    assert str(stored.challenge_folder) == FIRST.challenge_folder
    assert stored.started_at.tzinfo is not None
    assert (stored.summary, stored.manifest_sha256, stored.seconds) == (None, None, 0.0)
    with pytest.raises(ConfigurationError, match="no evaluation"):
        store.evaluation("ffff")


def test_a_run_is_published_once_with_every_field(store: Store) -> None:
    """Numbers of 63 bits, texts of any kind, and empty texts come back as they were."""
    run = run_record(
        index=3,
        seed=(1 << 63) - 1,
        verdict=Verdict.CRASHED,
        detail="ε [red]\n'; DROP TABLE runs; --",
        log_bytes_dropped=1 << 50,
        exception_type="Boom",
        outputs_sha256="d" * 64,
        checkpoint_sha256="e" * 64,
    )
    assert store.publish(ID, run)
    assert not store.publish(ID, run_record(index=3, detail="later"))
    assert store.publish(ID, run_record(index=0))
    assert store.runs(ID) == [run_record(index=0), run]


def test_outputs_are_marked_and_unmarked(store: Store) -> None:
    """A rejected run changes its verdict; a withdrawn one is gone."""
    for index in range(3):
        store.publish(ID, run_record(index=index))
    store.mark_evaluated(ID, 0, outputs_sha256="f" * 64)
    store.mark_evaluated(ID, 1, outputs_sha256="f" * 64)
    store.mark_unevaluated(ID, 1)
    store.reject(ID, 2, "not finite")
    evaluated, unevaluated, rejected = store.runs(ID)
    assert (evaluated.evaluated, evaluated.outputs_sha256) == (True, "f" * 64)
    assert (unevaluated.evaluated, unevaluated.outputs_sha256) == (False, "")
    assert (rejected.verdict, rejected.detail) == (Verdict.BAD_CHECKPOINT, "not finite")
    store.withdraw(ID, [0, 2])
    assert [run.index for run in store.runs(ID)] == [1]


def test_a_newer_attempt_fences_an_older_one_off(store: Store) -> None:
    """What it publishes late is discarded."""
    first, second = store.begin_attempt(ID), store.begin_attempt(ID)
    with pytest.raises(TakenOverError):
        store.publish(ID, run_record(index=0, attempt=first))
    assert store.publish(ID, run_record(index=0, attempt=second))
    store.end_attempt(ID, second, "done")
    assert [attempt.outcome for attempt in store.attempts(ID)] == [None, "done"]


def test_a_lost_lease_fences_its_holder_off(store: Store) -> None:
    """Every write with the old token is refused."""
    early = Lease(
        store.database, ID, holder="early", place="here", lease_seconds=0.0, wait=lambda _seconds: None
    )
    with early:
        assert store.publish(ID, run_record(index=0), token=early.token)
        with Lease(store.database, ID, holder="late", place="here") as late:
            assert late.token > early.token
            for write in (
                lambda: store.publish(ID, run_record(index=1), token=early.token),
                lambda: store.mark_evaluated(ID, 0, token=early.token),
                lambda: store.reject(ID, 0, "no", token=early.token),
                lambda: store.withdraw(ID, [0], token=early.token),
                lambda: store.finish(ID, {}, token=early.token),
                lambda: store.begin_attempt(ID, token=early.token),
            ):
                with pytest.raises(TakenOverError):
                    write()
    assert store.runs(ID) == [run_record(index=0)]


def test_an_end_is_recorded_and_replaced(store: Store) -> None:
    """Summary, hash of the manifest and seconds."""
    summary = {"score": 0.123456789012345, "verdicts": {"ok": 4}, "warnings": ["ε"], "reason": None}
    store.finish(ID, summary, manifest_sha256="a" * 64)
    assert (store.evaluation(ID).summary, store.evaluation(ID).manifest_sha256) == (summary, "a" * 64)
    store.finish(ID, {"score": None})
    assert (store.evaluation(ID).summary, store.evaluation(ID).manifest_sha256) == ({"score": None}, None)
    assert (store.add_seconds(ID, 1.5), store.add_seconds(ID, 2.25)) == (1.5, 3.75)


def test_terms_are_recorded_once_for_each_machine(store: Store) -> None:
    """The first stand; a retrain time that machines disagree on is none."""
    assert store.agree(ID, "", {"retrain_seconds": 2.0}) == {"retrain_seconds": 2.0}
    assert store.agree(ID, "", {"retrain_seconds": 9.0}) == {"retrain_seconds": 2.0}
    assert store.terms(ID, "other") is None
    assert store.retraining(ID) == RetrainingRecord(seconds=2.0)
    store.agree(ID, "other", {"retrain_seconds": 3.0})
    assert store.retraining(ID) == RetrainingRecord()


def test_the_times_of_retraining_come_from_the_terms(store: Store) -> None:
    """Each of them is known where the machines agree on it; the fraction is the same on all machines."""
    times = {
        "retrain_seconds": 2.0,
        "retrain_processor_seconds": 1.5,
        "empty_run_processor_seconds": 0.0,
        "retraining_fraction": 0.6,
    }
    store.agree(ID, "", times)
    assert store.retraining(ID) == RetrainingRecord(
        seconds=2.0, processor_seconds=1.5, empty_run_processor_seconds=0.0, fraction=0.6
    )
    store.agree(ID, "other", {**times, "retrain_processor_seconds": 1.6})
    assert store.retraining(ID) == RetrainingRecord(
        seconds=2.0, empty_run_processor_seconds=0.0, fraction=0.6
    )


def test_a_second_timing_is_recorded_once_and_changes_nothing_else(store: Store) -> None:
    """It belongs to the terms of a machine, without which there is nothing that it could be compared with."""
    store.add_second_timing(ID, "", 1.8)
    assert store.terms(ID, "") is None
    store.agree(ID, "", {"retrain_processor_seconds": 1.5, "retrain_processor_seconds_again": None})
    assert store.retraining(ID) == RetrainingRecord(processor_seconds=1.5)
    for seconds in (1.8, 2.8):
        store.add_second_timing(ID, "", seconds)
        assert store.terms(ID, "") == {
            "retrain_processor_seconds": 1.5,
            "retrain_processor_seconds_again": 1.8,
        }
    assert store.retraining(ID) == RetrainingRecord(processor_seconds=1.5, processor_seconds_again=1.8)


def test_removal_leaves_nothing_and_nobody_else_out(store: Store) -> None:
    """The submission's hash is returned once no other evaluation has it."""
    other = EvaluationRecord(
        **{name: getattr(FIRST, name) for name in FIRST.__slots__} | {"id": "ffff00000000"}
    )
    store.begin(other)
    store.publish(ID, run_record())
    assert store.remove(ID) is None
    assert store.runs(ID) == []
    assert [stored.id for stored in store.evaluations()] == [other.id]
    assert store.remove(other.id) == FIRST.submission_sha256


def test_copies_name_other_submissions_alone(store: Store) -> None:
    """On the same challenge, with the checkpoints that are equal."""
    values = {name: getattr(FIRST, name) for name in FIRST.__slots__}
    store.begin(
        EvaluationRecord(**values | {"id": "1" * 12, "submission_sha256": "9" * 64, "submission": "copy"})
    )
    store.begin(EvaluationRecord(**values | {"id": "2" * 12}))
    for name in (ID, "1" * 12, "2" * 12):
        store.publish(name, run_record(checkpoint_sha256="7" * 64))
    (copies,) = store.copies(ID, {"7" * 64, "8" * 64})
    assert (copies.submission, copies.evaluation, copies.digests) == ("copy", "1" * 12, frozenset({"7" * 64}))


def test_the_quick_listing_is_the_stores_own(tmp_path: Path) -> None:
    """While the store is open and after it; a store of another version is left to the store."""
    with closing(open_store(tmp_path, create=True)) as opened:
        opened.begin(FIRST)
        values = {name: getattr(FIRST, name) for name in FIRST.__slots__}
        opened.begin(EvaluationRecord(**values | {"id": "f" * 12, "challenge_folder": None}))
        opened.finish(ID, {"score": 0.5, "warnings": ["ε"]}, manifest_sha256="a" * 64)
        opened.add_seconds(ID, 1.25)
        assert read_listing(tmp_path) == opened.evaluations()
        stored = opened.evaluations()
    assert read_listing(tmp_path) == stored
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert read_listing(tmp_path) is None
    assert read_listing(tmp_path / "nothing") is None
    (tmp_path / DATABASE_FILE).write_bytes(b"garbage" * 1000)
    assert read_listing(tmp_path) is None
