"""Where every submission is refused, `unlearn run` needs no engine, and records their entries."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from runner.store.entries.records import Outcome
from runner.store.open_store import open_store
from tests.support.command import type_command, unlearn

if TYPE_CHECKING:
    from tests.runner.conftest import ChallengeFolder


@pytest.fixture
def command(challenge_folder: ChallengeFolder, tmp_path: Path) -> tuple[object, ...]:
    """Return the words of a command whose submissions are a broken zip and an empty folder."""
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    options = ("-c", challenge_folder.describe(), "-n", 4, "--store", tmp_path / "store")
    return ("run", tmp_path / "broken.zip", tmp_path / "empty", *options)


def test_table(command: tuple[object, ...], tmp_path: Path) -> None:
    """A row and a sentence for each, counts, and exit code 1; the sentences are on stderr too."""
    ended = type_command(*command, DOCKER_HOST="unix:///nowhere.sock")
    assert ended.returncode == 1, ended.stderr
    assert "broken: no score: " in ended.stdout
    assert "empty: no score: " in ended.stdout
    assert "refused" in ended.stdout
    assert "unlearn show" not in ended.stdout
    assert ended.stdout.splitlines()[-1] == "2 submissions: 2 refused"
    assert ended.stderr.count("unlearn: ") == 2
    listed = type_command("list", "--store", tmp_path / "store")
    assert "broken: refused " in listed.stdout
    assert "empty: refused " in listed.stdout


def test_json(command: tuple[object, ...], tmp_path: Path) -> None:
    """An object for each, with the fields of a summary and of an entry; `unlearn list` has the entries."""
    ended = type_command(*command, "--json", DOCKER_HOST="unix:///nowhere.sock")
    assert ended.returncode == 1
    broken, empty = (json.loads(line) for line in ended.stdout.splitlines())
    assert (broken["submission"], broken["refused"], broken["score"], broken["n"]) == (
        "broken",
        True,
        None,
        4,
    )
    assert "it is not a zip archive" in broken["reason"]
    assert "has no submission.py" in empty["reason"]
    assert (broken["outcome"], broken["path"]) == ("refused", str(tmp_path / "broken.zip"))
    assert broken["submission_sha256"] == hashlib.sha256(b"no zip").hexdigest()
    assert empty["submission_sha256"] is None
    listed = [
        json.loads(line)
        for line in unlearn("list", "--store", tmp_path / "store", "--json").stdout.splitlines()
    ]
    assert [(each["entry"], each["outcome"], each["reason"]) for each in listed] == [
        (each["entry"], "refused", each["reason"]) for each in (broken, empty)
    ]


def test_missing_paths_come_first(command: tuple[object, ...], tmp_path: Path) -> None:
    """A path that was mistyped is a wrong command: exit code 2, with all of them named, and nothing run."""
    ended = type_command("run", tmp_path / "typo", tmp_path / "slip", *command[1:])
    assert ended.returncode == 2
    assert f"No submission exists at {tmp_path / 'typo'}, {tmp_path / 'slip'}" in ended.stderr
    assert ended.stdout == ""


def test_they_are_recorded_on_a_host_that_is_not_ready(command: tuple[object, ...], tmp_path: Path) -> None:
    """Beside one that could be run: its refusal needs no engine, and is not recorded twice."""
    (tmp_path / "mine.py").write_text("def unlearning(net, retain, forget, val):\n    return net\n")
    store = tmp_path / "store"
    for _ in range(2):
        ended = type_command("run", tmp_path / "mine.py", *command[1:], DOCKER_HOST="unix:///nowhere.sock")
        assert ended.returncode == 3, ended.stderr
        with closing(open_store(store, create=False)) as opened:
            assert [(entry.name, entry.outcome) for entry in opened.entries()] == [
                ("broken", Outcome.REFUSED),
                ("empty", Outcome.REFUSED),
            ]


def test_a_host_that_is_not_ready_gets_no_store_for_nothing(
    command: tuple[object, ...], tmp_path: Path
) -> None:
    """Where nothing is refused, there is nothing to record before the engine is known."""
    (tmp_path / "mine.py").write_text("def unlearning(net, retain, forget, val):\n    return net\n")
    ended = type_command("run", tmp_path / "mine.py", *command[3:], DOCKER_HOST="unix:///nowhere.sock")
    assert ended.returncode == 3, ended.stderr
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize("visibility", ["private", "public"])
def test_results_that_count_are_not_repeated(
    command: tuple[object, ...],
    challenge_folder: ChallengeFolder,
    tmp_path: Path,
    visibility: Literal["private", "public"],
) -> None:
    """On a private challenge --again is wrong usage, before anything is recorded or an engine is asked."""
    challenge_folder.describe(visibility=visibility)
    ended = type_command(*command, "--again", DOCKER_HOST="unix:///nowhere.sock")
    if visibility == "public":
        assert ended.returncode == 1
        return
    assert ended.returncode == 2
    assert "--again is for public challenges" in ended.stderr
    assert not (tmp_path / "store").exists()
