"""What failed on our side is attempted again, from the step at which it failed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from runner.competition.states import EntryState
from runner.contest.opened import OpenContest, open_contest
from runner.contest.recovery import MAX_ATTEMPTS, RETRY, Place, queue_held
from runner.contest.service.checker import Checker
from runner.store.paths import archive_path, uploads_folder
from tests.runner.contest.conftest import NAME, Contest
from tests.runner.contest.test_checker import CODE, receive, state

MOST = 3 * RETRY
"""The longest that an entry waits for its next attempt."""


@pytest.fixture
def opened(contest: Contest) -> Iterator[OpenContest]:
    with open_contest(contest.folder, contest.store_folder) as value:
        yield value


def check(opened: OpenContest) -> int:
    return Checker(contest=opened, report=lambda _line: None).check()


def queue_again(opened: OpenContest, later: timedelta, blocked: frozenset[Place] = frozenset()) -> None:
    queue_held(opened.store, NAME, datetime.now(UTC) + later, blocked)


def test_a_held_upload_is_checked_before_it_is_queued(contest: Contest, opened: OpenContest) -> None:
    """Its file was missing, and is back: the entry is checked some minutes later, and then evaluated."""
    entry = receive(opened)
    assert entry.upload is not None
    file = uploads_folder(opened.store_folder) / entry.upload
    file.unlink()
    assert check(opened) == 1
    assert state(opened, entry) == "held"
    file.write_bytes(CODE)
    queue_again(opened, timedelta())
    assert state(opened, entry) == "held", "it waits"
    assert contest.work(later=MOST) == 0, "nothing is queued that was not checked"
    assert state(opened, entry) == "checking"
    assert check(opened) == 1
    after = opened.store.competition_entry(NAME, entry.id)
    assert (after.state, after.archive_sha256 is None) == (EntryState.QUEUED, False)
    assert archive_path(opened.store_folder, after.archive_sha256 or "").is_file()
    assert contest.work() == 1
    assert state(opened, entry) == "scored"


def test_the_file_of_a_held_entry_is_kept(opened: OpenContest) -> None:
    """The sweep of old uploads asks which are needed: one that is to be checked again is."""
    entry = receive(opened)
    opened.store.move_entry(entry.id, EntryState.CHECKING, EntryState.HELD, reason="a fault of ours")
    assert opened.store.needed_uploads() == {entry.upload}


def test_a_checked_upload_is_queued_again(contest: Contest, opened: OpenContest) -> None:
    """It is not checked a second time: its file is gone by then."""
    entry = receive(opened)
    assert check(opened) == 1
    opened.store.move_entry(entry.id, EntryState.HELD, reason="a fault of ours")
    queue_again(opened, MOST)
    assert state(opened, entry) == "queued"
    assert contest.work() == 1


def test_attempts_wait_longer_and_end(opened: OpenContest) -> None:
    """A file that stays missing is looked for three times, some minutes apart; then an organizer decides."""
    entry = receive(opened)
    assert entry.upload is not None
    (uploads_folder(opened.store_folder) / entry.upload).unlink()
    assert check(opened) == 1
    for attempts in range(1, MAX_ATTEMPTS):
        queue_again(opened, attempts * RETRY - timedelta(minutes=1))
        assert state(opened, entry) == "held"
        queue_again(opened, attempts * RETRY)
        assert state(opened, entry) == "checking"
        assert check(opened) == 1
    assert opened.store.competition_entry(NAME, entry.id).attempts == MAX_ATTEMPTS
    queue_again(opened, timedelta(days=1))
    assert state(opened, entry) == "held"
    assert "its file is missing" in (opened.store.competition_entry(NAME, entry.id).reason or "")


def test_what_cannot_be_evaluated_here_is_left(opened: OpenContest) -> None:
    """Another host may be able to, so its entries stay held for it."""
    entry = receive(opened)
    opened.store.move_entry(entry.id, EntryState.CHECKING, EntryState.HELD)
    queue_again(opened, MOST, frozenset({("feedback", "feedback", False)}))
    assert state(opened, entry) == "held"
    queue_again(opened, MOST, frozenset({("feedback", "final", False)}))
    assert state(opened, entry) == "checking"
