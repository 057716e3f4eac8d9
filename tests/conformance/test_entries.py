"""What holds of the entries of every database: in memory, in a file, and on a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from runner.store.entries.records import COLUMNS, NewEntry, Outcome
from runner.store.listing import DATABASE_FILE, read_entry_listing
from runner.store.open_store import open_store
from runner.store.schema import EntryRow
from runner.store.store import Store
from tests.conformance.test_store import FIRST, ID, STORES
from tests.support.databases.fixtures import PrepareStore, preparing
from tests.support.records import run_record

ALPHA = NewEntry(
    name="alpha [bold] ε",
    path="incoming/alpha.zip",
    folder="/srv/contest",
    content_sha256=FIRST.submission_sha256,
    challenge=FIRST.challenge,
    challenge_sha256=FIRST.challenge_sha256,
    n=FIRST.n,
    evaluation=ID,
)
COPY = replace(ALPHA, name="copy", path="incoming/copy.zip")
BROKEN = replace(
    ALPHA,
    name="broken",
    path="incoming/broken.zip",
    content_sha256=None,
    evaluation=None,
    outcome=Outcome.REFUSED,
    reason="It is no zip.",
)


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened = (
        Store("sqlite://")
        if request.param == "memory"
        else open_store(preparing(request.param, request)(tmp_path), create=True)
    )
    with closing(opened):
        yield opened


def test_entries_come_back_as_they_were_typed(store: Store) -> None:
    """In their order, with a time in UTC, before any evaluation has begun."""
    recorded = store.record_entries("command", [ALPHA, COPY, BROKEN])
    assert store.entries() == recorded
    assert [entry.id for entry in recorded] == [1, 2, 3]
    assert {entry.command for entry in recorded} == {"command"}
    assert all(entry.received.utcoffset() is not None for entry in recorded)
    for entry, new in zip(recorded, (ALPHA, COPY, BROKEN), strict=True):
        assert {name: getattr(entry, name) for name in NewEntry.__slots__} == {
            name: getattr(new, name) for name in NewEntry.__slots__
        }


@pytest.mark.parametrize("new", [ALPHA, BROKEN], ids=["evaluated", "refused"])
def test_what_is_typed_again_is_the_same_entry(store: Store, new: NewEntry) -> None:
    """In a later command, or twice in one."""
    (first,) = store.record_entries("first", [new])
    assert store.record_entries("second", [new, new]) == [first, first]
    assert store.entries() == [first]


@pytest.mark.parametrize(
    "other",
    [
        replace(ALPHA, name="beta"),
        replace(ALPHA, path="late/alpha.zip"),
        replace(ALPHA, folder="/srv/other"),
        replace(ALPHA, content_sha256="f" * 64, evaluation="f" * 12),
        replace(ALPHA, evaluation="f" * 12),
    ],
    ids=["name", "path", "folder", "content", "evaluation"],
)
def test_what_differs_is_another_entry(store: Store, other: NewEntry) -> None:
    """In any of its parts."""
    store.record_entries("first", [ALPHA])
    assert [entry.id for entry in store.record_entries("second", [ALPHA, other])] == [1, 2]


def test_commands_at_the_same_time_record_an_entry_once(tmp_path: Path, prepare_store: PrepareStore) -> None:
    """Each of them gets the same number."""
    with closing(open_store(prepare_store(tmp_path), create=True)) as store, ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda name: store.record_entries(name, [ALPHA, COPY]), "abcdefgh"))
        assert len({tuple(entry.id for entry in answer) for answer in answers}) == 1
        assert len(store.entries()) == 2


def test_a_mended_file_is_another_entry(store: Store) -> None:
    """As is a file that is refused for another reason."""
    store.record_entries("first", [BROKEN])
    store.record_entries("second", [replace(BROKEN, reason="It is too large.")])
    store.record_entries("third", [replace(ALPHA, name=BROKEN.name, path=BROKEN.path)])
    assert [entry.outcome for entry in store.entries()] == [Outcome.REFUSED, Outcome.REFUSED, None]


def test_entries_that_share_an_evaluation_end_together(store: Store) -> None:
    """When it is held, and when it is finished later; others do not."""
    store.begin(FIRST)
    other = replace(ALPHA, evaluation="f" * 12)
    store.record_entries("command", [ALPHA, COPY, other, BROKEN])
    store.end_entries(ID, Outcome.HELD, "The sandbox was lost.")
    assert [(entry.outcome, entry.reason) for entry in store.entries_of(ID)] == [
        (Outcome.HELD, "The sandbox was lost.")
    ] * 2
    store.finish(ID, {"score": 0.5}, outcome=Outcome.SCORED)
    assert [(entry.outcome, entry.reason) for entry in store.entries()] == [
        (Outcome.SCORED, None),
        (Outcome.SCORED, None),
        (None, None),
        (Outcome.REFUSED, BROKEN.reason),
    ]


@pytest.mark.parametrize("ended", [Outcome.SCORED, Outcome.FAILED])
def test_what_has_ended_is_not_held(store: Store, ended: Outcome) -> None:
    """A copy that is typed later and loses the sandbox is held alone, until the evaluation ends again."""
    store.begin(FIRST)
    store.record_entries("first", [ALPHA])
    store.finish(ID, {"score": 0.5}, outcome=ended)
    store.record_entries("second", [COPY])
    for reason in ("The sandbox was lost.", "It was lost again."):
        store.end_entries(ID, Outcome.HELD, reason)
        assert [(entry.outcome, entry.reason) for entry in store.entries()] == [
            (ended, None),
            (Outcome.HELD, reason),
        ]
    store.end_entries(ID, ended)
    assert [(entry.outcome, entry.reason) for entry in store.entries()] == [(ended, None)] * 2


def test_an_entry_without_a_path_gets_that_of_the_same_submission(store: Store) -> None:
    """Stores of earlier versions recorded none: what is typed again is no copy of itself, but a copy is."""
    unknown = replace(ALPHA, path=None, folder=None)
    other = replace(unknown, name="other", evaluation="f" * 12)
    (before, _) = store.record_entries("", [unknown, other])
    again, copy, moved = store.record_entries("late", [ALPHA, COPY, replace(ALPHA, path="late/alpha.zip")])
    assert again == replace(before, path=ALPHA.path, folder=ALPHA.folder)
    assert store.record_entries("later", [ALPHA]) == [again]
    assert [store.same_content(entry) for entry in (again, copy, moved)] == [None, again, again]
    assert [entry.path for entry in store.entries()] == [ALPHA.path, None, COPY.path, "late/alpha.zip"]


def test_the_first_of_equal_contents_is_named(store: Store) -> None:
    """A copy under another name, or from another path; the original itself is no copy."""
    original, copy, moved = store.record_entries(
        "command", [ALPHA, COPY, replace(ALPHA, path="late/alpha.zip")]
    )
    assert store.same_content(original) is None
    assert store.same_content(copy) == original
    assert store.same_content(moved) == original


def test_the_same_name_in_another_phase_is_no_copy(store: Store) -> None:
    """Another name is one, on any challenge."""
    final = replace(ALPHA, challenge_sha256="9" * 64, evaluation="f" * 12, path="final.zip")
    original, again, copy, refused = store.record_entries(
        "command", [ALPHA, final, replace(final, name="copy"), BROKEN]
    )
    assert store.same_content(again) is None
    assert store.same_content(copy) == original
    assert store.same_content(refused) is None


def test_an_archive_of_the_store_is_no_copy(store: Store) -> None:
    """It is what was handed in before."""
    archive = replace(ALPHA, path=f"evaluations/submissions/{ALPHA.content_sha256}.zip")
    _, stored = store.record_entries("command", [ALPHA, archive])
    assert store.same_content(stored) is None


def test_a_content_is_known_by_its_first_name(store: Store) -> None:
    """Also where the store knows the submission only."""
    assert store.known_name(FIRST.submission_sha256) is None
    store.begin(FIRST)
    assert store.known_name(FIRST.submission_sha256) == FIRST.submission
    store.record_entries("command", [ALPHA, COPY])
    assert store.known_name(FIRST.submission_sha256) == ALPHA.name
    assert store.known_name("f" * 64) is None


def test_an_evaluation_is_removed_with_its_entries(store: Store) -> None:
    """Entries of others stay, and no number is used again."""
    store.begin(FIRST)
    store.record_entries("command", [BROKEN, ALPHA, COPY])
    store.remove(ID)
    assert [entry.name for entry in store.entries()] == [BROKEN.name]
    assert [entry.id for entry in store.record_entries("command", [COPY])] == [4]


def test_refused_entries_are_removed_on_request(store: Store) -> None:
    """No evaluation takes them along; all others stay."""
    store.record_entries("command", [ALPHA, BROKEN, COPY])
    assert (store.remove_refused(), store.remove_refused()) == (1, 0)
    assert [entry.name for entry in store.entries()] == [ALPHA.name, COPY.name]


def test_the_quick_listing_is_the_stores_own(tmp_path: Path) -> None:
    """With the columns of the table."""
    assert tuple(EntryRow.__table__.columns.keys()) == COLUMNS
    with closing(open_store(tmp_path, create=True)) as store:
        store.record_entries("command", [ALPHA, COPY, BROKEN])
        assert read_entry_listing(tmp_path) == store.entries()
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute("UPDATE entries SET outcome = 'won'")
    assert read_entry_listing(tmp_path) is None
    assert read_entry_listing(tmp_path / "nothing") is None


def test_the_time_of_the_last_run(store: Store) -> None:
    """None before one has ended."""
    store.begin(FIRST)
    assert store.last_run_ended(ID) is None
    store.publish(ID, run_record(index=0))
    first = store.last_run_ended(ID)
    store.publish(ID, run_record(index=1))
    second = store.last_run_ended(ID)
    assert first is not None
    assert second is not None
    assert first < second
