"""Checks of what the web service received: each file once, whatever is killed in between."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from runner.competition.intake import Intake
from runner.competition.states import EntryState
from runner.contest.opened import OpenContest, open_contest
from runner.contest.service.attendant import checking
from runner.contest.service.checker import Checker, lease_of
from runner.store.competition.records import CompetitionEntry, NewCompetitionEntry
from runner.store.lease import evaluation_lease
from runner.store.paths import archive_path, uploads_folder
from tests.runner.contest.conftest import NAME, Contest

CODE = b"def unlearning(net, retain, forget, val): ...\n"


@pytest.fixture
def opened(contest: Contest) -> Iterator[OpenContest]:
    with open_contest(contest.folder, contest.store_folder) as value:
        yield value


def receive(opened: OpenContest, content: bytes = CODE, file_name: str = "mine.py") -> CompetitionEntry:
    """Leave a file and its row as the web service does."""
    folder = uploads_folder(opened.store_folder)
    folder.mkdir(exist_ok=True)
    upload = f"{len(list(folder.iterdir())):064d}.{'0' * 16}"
    (folder / upload).write_bytes(content)
    new = NewCompetitionEntry(
        competition=NAME,
        phase="feedback",
        team="alpha",
        file_name=file_name,
        archive_sha256=None,
        bytes=len(content),
        challenge="feedback",
        upload=upload,
        upload_sha256="f" * 64,
    )
    taken = opened.store.take_entry(new, lambda _past, _now: Intake(state=EntryState.RECEIVED))
    assert taken.entry is not None
    return taken.entry


def state(opened: OpenContest, entry: CompetitionEntry) -> str:
    return str(opened.store.competition_entry(NAME, entry.id).state)


def test_a_file_is_queued_under_the_hash_of_its_archive(opened: OpenContest) -> None:
    """What it is evaluated from is stored, and the upload is removed."""
    entry = receive(opened)
    assert Checker(contest=opened, report=print).check() == 1
    after = opened.store.competition_entry(NAME, entry.id)
    assert after.state is EntryState.QUEUED
    assert archive_path(opened.store_folder, after.archive_sha256 or "").is_file()
    assert list(uploads_folder(opened.store_folder).iterdir()) == []
    assert Checker(contest=opened, report=print).check() == 0


def zipped(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, CODE)
    return data.getvalue()


@pytest.mark.parametrize(
    "content", [b"PK\x03\x04", b"no archive", zipped("other.txt"), zipped("../submission.py")]
)
def test_what_is_no_submission_is_refused(opened: OpenContest, content: bytes) -> None:
    """With the sentence of `sync`, which names no path of this host; nothing of it is kept."""
    entry = receive(opened, content, "mine.zip")
    assert Checker(contest=opened, report=print).check() == 1
    after = opened.store.competition_entry(NAME, entry.id)
    assert after.state is EntryState.REFUSED
    assert after.reason
    assert "/tmp" not in after.reason
    assert list(uploads_folder(opened.store_folder).iterdir()) == []


def test_a_check_that_was_killed_is_done_again(opened: OpenContest) -> None:
    """An entry that was left as `checking` is checked, and its result is the same."""
    entry = receive(opened)
    opened.store.move_entry(entry.id, EntryState.CHECKING)
    assert Checker(contest=opened, report=print).check() == 1
    assert state(opened, entry) == "queued"


def test_one_process_checks_at_a_time(opened: OpenContest) -> None:
    """While another one does, this one waits for the next time."""
    entry = receive(opened)
    with evaluation_lease(opened.store.database, opened.store_folder, lease_of(opened.name)):
        assert Checker(contest=opened, report=print).check() == 0
    assert state(opened, entry) == "received"


def test_a_missing_file_holds_its_entry(opened: OpenContest) -> None:
    """A fault of ours is no verdict: it is held with the reason, costs no quota, and stops no other entry."""
    lost, other = receive(opened), receive(opened)
    assert lost.upload is not None
    (uploads_folder(opened.store_folder) / lost.upload).unlink()
    lines: list[str] = []
    assert Checker(contest=opened, report=lines.append).check() == 2
    assert [state(opened, each) for each in (lost, other)] == ["held", "queued"]
    assert "its file is missing" in lines[0]


def test_a_challenge_that_cannot_be_used_leaves_entries_waiting(opened: OpenContest) -> None:
    """They stay as they are, and a line says why, once."""
    entry = receive(opened)
    (opened.folder / "feedback" / "challenge.toml").rename(opened.folder / "away")
    lines: list[str] = []
    checker = Checker(contest=opened, report=lines.append)
    assert [checker.check(), checker.check()] == [0, 0]
    assert state(opened, entry) == "checking"
    assert len(lines) == 1
    (opened.folder / "away").rename(opened.folder / "feedback" / "challenge.toml")
    assert checker.check() == 1


def test_an_entry_that_was_taken_back_stays_so(opened: OpenContest) -> None:
    """A check that ends after its team took the entry back changes nothing."""
    entry = receive(opened)
    opened.store.move_entry(entry.id, EntryState.CHECKING)
    opened.store.move_entry(entry.id, EntryState.WITHDRAWN)
    assert opened.store.end_check(entry.id, EntryState.QUEUED, archive_sha256="a" * 64) is None
    assert state(opened, entry) == "withdrawn"


def test_entries_are_checked_while_others_are_evaluated(opened: OpenContest) -> None:
    """The thread finds what arrives later."""
    with checking(opened, print):
        entry = receive(opened)
        begun = datetime.now(UTC)
        while state(opened, entry) != "queued":
            assert (datetime.now(UTC) - begun).total_seconds() < 50
    assert entry.upload not in [file.name for file in uploads_folder(opened.store_folder).iterdir()]
