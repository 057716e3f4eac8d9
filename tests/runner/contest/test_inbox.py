"""Folders of teams that are full, change while they are read, or hold what is no file."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from runner.contest import inbox, sync
from runner.errors import ConfigurationError
from runner.submission import load, pack
from tests.runner.contest.conftest import Contest, local

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def test_what_is_no_file_is_refused_once(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder, a socket, a pipe or a link by the name of a submission: one entry, and no open descriptor."""
    monkeypatch.chdir(contest.inbox / "alpha")
    for name in ("a.zip", "b.py"):
        Path(name).mkdir()
    os.mkfifo("d.py")
    Path("e.zip").symlink_to("/etc/hostname")
    before = len(os.listdir("/proc/self/fd"))
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("c.zip")
    contest.sync()
    assert len(os.listdir("/proc/self/fd")) == before
    assert not [file for file in contest.sync() if file.is_new]
    reasons = {entry.file_name: entry.reason for entry in contest.entries()}
    kinds = {"a.zip": "a folder", "b.py": "a folder", "c.zip": "not a regular file"}
    kinds |= {"d.py": "not a regular file", "e.zip": "a link"}
    assert reasons == {
        name: f"{name} is {kind}; hand in a .zip or a .py file." for name, kind in kinds.items()
    }


def test_a_folder_is_read_without_leaving_a_descriptor(tmp_path: Path) -> None:
    """As the file of a submission, wherever that is typed."""
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ConfigurationError, match="not a regular file"):
        pack.read_submission_file(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before


def _fail(error: Exception) -> Callable[..., bytes]:
    def fails(*_arguments: object) -> bytes:
        raise error

    return fails


@pytest.mark.parametrize(
    "error",
    [OSError(number, os.strerror(number)) for number in (errno.EMFILE, errno.ENFILE, errno.EIO, errno.EACCES)]
    + [pack.ChangedFileError("it changed")],
    ids=str,
)
@pytest.mark.parametrize("module", [sync, load])
def test_a_fault_of_the_host_is_no_refusal(
    contest: Contest, monkeypatch: pytest.MonkeyPatch, error: Exception, module: object
) -> None:
    """Neither of the file nor of its copy: there is no entry, and the next sync takes it."""
    contest.hand_in("alpha").rename(contest.inbox / "alpha" / "mine.zip")  # refused, if it is looked at
    with monkeypatch.context() as patch:
        patch.setattr(module, "read_submission_file", _fail(error))
        (file,) = contest.sync()
    assert file.entry is None
    assert (file.sentence or "").startswith("It was not taken: ")
    assert contest.entries() == []
    assert [file.is_new for file in contest.sync()] == [True]


def test_one_moment_counts_for_all(contest: Contest) -> None:
    """Teams come by name, whatever they do to their folders, and the end of a phase is the same for all."""
    for at, team in enumerate(("gamma", "alpha", "beta")):
        contest.hand_in(team)
        os.utime(contest.inbox / team, (at, at))
    times = iter(NOON + timedelta(hours=hour) for hour in range(9))
    assert [file.team for file in contest.sync(clock=lambda: next(times))] == ["alpha", "beta", "gamma"]
    assert {entry.received for entry in contest.entries()} == {NOON}


def test_what_changes_during_a_sync_waits(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written after the moment of receipt is not taken with that moment; nor a new one."""
    contest.hand_in("alpha")
    contest.hand_in("beta")
    read = pack.read_submission_file

    def reads(path: Path) -> bytes:
        contest.hand_in("beta", code="SHIFT = 1.0")
        contest.hand_in("gamma")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(sync, "read_submission_file", reads)
        files = contest.sync()
    assert [(file.team, file.is_new) for file in files] == [("alpha", True), ("beta", False)]
    assert sum(file.is_new for file in contest.sync()) == 2


@pytest.mark.parametrize(
    ("quota", "count"), [({"total": 2}, 2), ({"per_day": 1}, 1), ({"failed_per_day": 1}, 4)]
)
def test_late_entries_have_the_quota_of_others(contest: Contest, quota: dict[str, int], count: int) -> None:
    """So many are recorded, for as long as files come; a team of its own has its own."""
    contest.phase_fields().update(late="record", quota=quota, closes=local("2021-01-01T00:00:00"))
    contest.write()
    for name in "abcd":
        contest.hand_in("alpha", name)
    contest.hand_in("beta")
    files = contest.sync(clock=lambda: NOON)
    assert [each.is_new for each in files] == [at < count for at in range(4)] + [True]
    assert set(contest.states().values()) == {"late"}
    assert sum(file.is_new for file in contest.sync(clock=lambda: NOON)) == 0
    assert all("closed" in (file.sentence or "") for file in files)


def test_a_folder_with_too_many_bytes_stops_nobody_else(
    contest: Contest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too large to be read does not count: it is refused unread."""
    monkeypatch.setattr(inbox, "MAX_FOLDER_BYTES", 1 << 20)
    with contest.hand_in("beta", "huge").open("r+b") as file:
        file.truncate(1 << 40)
    for name in "ab":
        with contest.hand_in("alpha", name).open("r+b") as file:
            file.truncate(600 << 10)
    files = contest.sync()
    assert [(file.team, file.file_name, file.is_new) for file in files] == [
        ("", "alpha", False),
        ("beta", "huge.py", True),
    ]
    assert "more than" in (files[0].sentence or "")


def test_a_file_that_vanishes_hides_no_other(contest: Contest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others of its folder are listed."""
    files = [contest.hand_in("alpha", name) for name in "abc"]
    scan = os.scandir

    class Scanned:
        def __init__(self, folder: Path) -> None:
            with scan(folder) as items:
                self.items = list(items)
            files[1].unlink(missing_ok=True)

        def __enter__(self) -> list[os.DirEntry[str]]:
            return self.items

        def __exit__(self, *_error: object) -> None:
            pass

    with monkeypatch.context() as patch:
        patch.setattr(os, "scandir", Scanned)
        listed = inbox.listed_files(contest.inbox / "alpha")
    assert [each.path.name for each in listed] == ["a.py", "c.py"]
