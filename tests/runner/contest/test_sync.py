"""Files of teams become entries once; what is refused is an entry too, and stops nothing."""

from __future__ import annotations

import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.challenge.load import load_challenge
from runner.competition.states import EntryState
from runner.contest.inbox import MAX_FILES
from runner.contest.sync import Intaker
from runner.errors import ConfigurationError
from runner.store.competition.records import Act
from runner.store.paths import archive_path
from tests.runner.contest.conftest import NAME, Contest, local

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_each_file_is_taken_once(contest: Contest) -> None:
    """Two teams may hand in the same; a changed file, or another name, is another entry; again is none."""
    for team in ("alpha", "beta"):
        contest.hand_in(team)
    first = contest.sync()
    assert [(file.team, file.is_new, file.entry and file.entry.state) for file in first] == [
        ("alpha", True, "queued"),
        ("beta", True, "queued"),
    ]
    again = contest.sync()
    assert [file.is_new for file in again] == [False, False]
    assert [file.entry for file in again] == [file.entry for file in first]
    contest.hand_in("alpha", code="SHIFT = 1.0")
    contest.hand_in("alpha", "other")
    assert sum(file.is_new for file in contest.sync()) == 2
    assert contest.states() == {
        "alpha/mine.py": "queued",
        "alpha/other.py": "queued",
        "beta/mine.py": "queued",
    }
    entries = contest.entries()
    assert len(entries) == 4
    assert all(archive_path(contest.store_folder, entry.archive_sha256 or "").is_file() for entry in entries)
    assert len({entry.archive_sha256 for entry in entries}) == 2


def refused(folder: Path) -> list[Path]:
    """Lay out files that are no submissions."""
    names = ["text.zip", "notes.txt", "a.tar.gz", "model.pt", "nothing.zip"]
    for name in names:
        (folder / name).write_bytes(b"" if name == "nothing.zip" else b"not what it is called")
    with zipfile.ZipFile(folder / "up.zip", "w") as archive:
        archive.writestr("../submission.py", "x")
    (folder / "a folder").mkdir()
    (folder / "a folder" / "submission.py").write_text("def unlearning(*a): ...")
    os.mkfifo(folder / "pipe.zip")
    (folder / "link.py").symlink_to("/etc/hostname")
    (folder / "neighbour.zip").symlink_to(folder.parent / "beta", target_is_directory=True)
    (folder / "\x1b[31mred\n.zip").write_bytes(b"no")
    return [file for file in folder.iterdir() if not file.name.startswith(".")]


def test_what_is_refused_is_an_entry_and_stops_nothing(contest: Contest) -> None:
    """Whatever lies there: a sentence without control characters or a path of this host, and beta is taken."""
    files = refused(contest.inbox / "alpha")
    for name in (".hidden.zip", "mine.zip.part", ".DS_Store"):
        (contest.inbox / "alpha" / name).write_bytes(b"not yet")
    contest.hand_in("beta")
    synced = contest.sync()
    assert contest.states().pop("beta/mine.py") == "queued"
    entries = contest.entries(team="alpha")
    assert len(entries) == len(files)
    for entry in entries:
        assert entry.state is EntryState.REFUSED
        assert entry.reason
        assert entry.reason.isprintable()
        assert entry.file_name.isprintable()
        assert str(contest.folder) not in entry.reason
        assert "unlearn-sync" not in entry.reason
    assert {file.sentence for file in synced if file.team == "alpha"} == {entry.reason for entry in entries}
    assert sum(file.is_new for file in contest.sync()) == 0


def test_a_link_in_place_of_a_team_is_not_followed(contest: Contest, tmp_path: Path) -> None:
    """Neither another folder, nor a file, nor the folder of nobody or of a revoked team gives entries."""
    contest.hand_in("beta")
    contest.hand_in("gamma")
    with contest.store() as store:
        store.revoke_team(NAME, "gamma", act=Act(who="me", act="team revoke", subject="gamma"))
    (contest.inbox / "alpha").rmdir()
    (contest.inbox / "alpha").symlink_to(contest.inbox / "beta")
    (contest.inbox / "nobody").mkdir()
    (contest.inbox / "nobody" / "mine.py").write_text("")
    (contest.inbox / "loose.zip").write_bytes(b"")
    sentences = {file.file_name: file.sentence or "" for file in contest.sync() if not file.team}
    assert {name: word in sentences[name] for name, word in WORDS.items()} == dict.fromkeys(WORDS, True)
    assert list(contest.states()) == ["beta/mine.py"]
    contest.inbox = tmp_path / "nothing"
    with pytest.raises(ConfigurationError, match="no folder"):
        contest.sync()


WORDS = {"alpha": "link", "gamma": "revoked", "nobody": "no team", "loose.zip": "no team's folder"}


def test_a_file_beyond_the_quota_waits(contest: Contest) -> None:
    """It is no entry, the sentence says when; after midnight of the competition's zone the oldest is taken."""
    contest.fields["time_zone"] = "Asia/Kolkata"
    contest.phase_fields()["quota"] = {"per_day": 2}
    contest.write()
    for at, name in enumerate("abc"):
        os.utime(contest.hand_in("alpha", name), (at, at))
    contest.hand_in("beta")
    synced = {f"{file.team}/{file.file_name}": file for file in contest.sync(clock=lambda: NOON)}
    waiting = synced.pop("alpha/c.py")
    assert waiting.entry is None
    assert "quota" in (waiting.sentence or "")
    assert waiting.remaining == 0
    assert waiting.resets_at == datetime(2026, 12, 1, 18, 30, tzinfo=UTC)
    assert all(file.is_new for file in synced.values())
    for hours, count in ((6, 3), (6.5, 4)):
        contest.sync(clock=lambda hours=hours: NOON + timedelta(hours=hours))
        assert len(contest.entries()) == count, hours


def test_refused_files_use_the_quota_of_failures(contest: Contest) -> None:
    """What is refused counts apart: a team with many such files is stopped, and the others are not."""
    contest.phase_fields()["quota"] = {"per_day": 1, "failed_per_day": 2}
    contest.write()
    for name in "abcd":
        contest.hand_in("alpha", name, suffix=".txt")
    contest.hand_in("beta")
    contest.sync(clock=lambda: NOON)
    assert sorted(contest.states().values()) == ["queued", "refused", "refused"]


@pytest.mark.parametrize("late", ["refuse", "record"])
def test_the_late_rule(contest: Contest, late: str) -> None:
    """After the end a file is nothing, or a late entry that nobody evaluates; before the opening it waits."""
    contest.phase_fields().update(
        late=late, opens=local("2026-12-01T12:00"), closes=local("2026-12-02T12:00")
    )
    contest.phase_fields("final").update(opens=local("2026-12-01T12:00"))
    contest.write()
    contest.hand_in("alpha")
    assert [file.entry for file in contest.sync(clock=lambda: NOON - timedelta(seconds=1))] == [None]
    contest.hand_in("beta", "bad", suffix=".txt")
    files = contest.sync(clock=lambda: NOON + timedelta(days=1))
    assert all("closed" in (file.sentence or "") for file in files)
    states = {"alpha/mine.py": "late", "beta/bad.txt": "refused"}
    assert contest.states() == (states if late == "record" else {})
    assert contest.work() == 0


def test_a_folder_of_too_many_files_stops_nobody_else(contest: Contest) -> None:
    """Nothing is taken from it, hidden files and unfinished ones included in the count."""
    for number in range(MAX_FILES + 1):
        (contest.inbox / "alpha" / f".{number}").touch()
    contest.hand_in("beta")
    synced = contest.sync()
    assert [(file.file_name, file.is_new) for file in synced] == [("alpha", False), ("mine.py", True)]
    assert "more than" in (synced[0].sentence or "")


def test_a_team_that_is_revoked_meanwhile_stops_no_other(contest: Contest) -> None:
    """Its remaining files are no entries, with a sentence; those of the next team are taken."""
    contest.hand_in("alpha", "one")
    contest.hand_in("alpha", "two")
    contest.hand_in("beta")
    with contest.store() as store:
        intaker = Intaker(
            store=store,
            folder=contest.store_folder,
            competition=contest.competition,
            phase=contest.competition.phase("feedback"),
            challenge=load_challenge(contest.folder / "feedback"),
        )
        files = intaker.sync(contest.inbox)
        first = next(files)
        store.revoke_team(NAME, "alpha", act=Act(who="me", act="team revoke", subject="alpha"))
        second, third = files
    assert [file.is_new for file in (first, second, third)] == [True, False, True]
    assert (second.team, second.file_name, second.entry) == ("alpha", "two.py", None)
    assert "revoked" in (second.sentence or "")
    assert third.team == "beta"
