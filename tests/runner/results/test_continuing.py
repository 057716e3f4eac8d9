"""The command that continues an evaluation is put together from the store."""

from __future__ import annotations

import json
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner.results.continuing import how_to_continue
from runner.store.paths import EvaluationPaths, WhereRun, evaluation_id
from runner.store.stored_evaluation import StoredEvaluation
from tests.runner.reports.test_entries import entry

HASHES: dict[str, Any] = {"submission": "a" * 64, "challenge": "b" * 64, "image": "c" * 64, "n": 64}
DEFAULT: WhereRun = ("process", "", "cpu")


def unfinished(where: WhereRun = DEFAULT, **changes: Any) -> StoredEvaluation:
    values: dict[str, Any] = {
        "id": evaluation_id(**HASHES, where=where),
        "submission": "mine",
        "submission_sha256": HASHES["submission"],
        "challenge": "tiny",
        "challenge_sha256": HASHES["challenge"],
        "challenge_folder": Path("/srv/tiny"),
        "image": HASHES["image"],
        "n": 64,
        "started_at": datetime(2026, 11, 29, tzinfo=UTC),
        "seconds": 1.0,
        "summary": None,
        "manifest_sha256": None,
    }
    return StoredEvaluation(**(values | changes))


def words(text: str) -> list[str]:
    """Return the words of the command in a clause."""
    prefix, _colon, command = text.partition(": ")
    assert prefix == "to continue"
    return shlex.split(command)


@pytest.mark.parametrize(
    ("where", "options"),
    [
        (DEFAULT, []),
        (("container", "", "cpu"), ["--isolation", "container"]),
        (("process", "runsc", "cpu"), ["--runtime", "runsc"]),
        (("container", "crun", "cpu"), ["--isolation", "container", "--runtime", "crun"]),
    ],
)
def test_the_options_are_those_that_give_its_name(
    where: WhereRun, options: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the submission and the challenge where they are, and the image that it needs."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my entry.py").touch()
    stored = unfinished(where)
    typed = entry(1, "mine", path="my entry.py", folder=str(tmp_path), evaluation=stored.id)
    command = words(how_to_continue(stored, [typed], Path("evaluations")))
    assert command == [
        *("unlearn", "run", "my entry.py", "-c", "/srv/tiny", "-n", "64", *options, "--image", "c" * 16)
    ]


def test_where_the_submission_is_gone_the_archive_is_named(tmp_path: Path) -> None:
    """Paths of other evaluations' entries are passed over; the store is named unless it is the default."""
    stored = unfinished()
    (tmp_path / "other.py").touch()
    entries = [
        entry(1, "mine", path=str(tmp_path / "gone.py"), evaluation=stored.id),
        entry(2, "other", path=str(tmp_path / "other.py"), evaluation="0" * 12),
        entry(3, "old", path=None, folder=None, evaluation=stored.id),
    ]
    command = words(how_to_continue(stored, entries, Path("/data/runs")))
    assert command[2] == f"/data/runs/submissions/{HASHES['submission']}.zip"
    assert command[-4:] == ["--store", "/data/runs", "--image", "c" * 16]


def test_a_path_that_begins_with_a_dash_is_no_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command can be pasted as it is."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-rf.py").touch()
    stored = unfinished()
    typed = entry(1, "mine", path="./-rf.py", folder=str(tmp_path), evaluation=stored.id)
    assert words(how_to_continue(stored, [typed], Path("evaluations")))[2] == "./-rf.py"


@pytest.mark.parametrize(
    "stored",
    [unfinished(("process", "", "GPU-1")), unfinished(challenge_folder=None), unfinished(id="f" * 12)],
)
def test_what_is_not_known_is_not_guessed(stored: StoredEvaluation) -> None:
    """A GPU, or the folder of the challenge in an earlier store: then the image alone is named."""
    text = how_to_continue(stored, [], Path("evaluations"))
    assert text.startswith("repeat the command that began it")
    assert f"--image {'c' * 16}" in text


@pytest.mark.parametrize(
    ("settings", "where", "options"),
    [
        ({"keep_going": True}, DEFAULT, ["--keep-going"]),
        ({"keep_checkpoints": True}, DEFAULT, ["--keep-checkpoints", "all"]),
        ({"keep_going": False, "keep_checkpoints": False}, DEFAULT, []),
        (
            {"keep_going": True, "keep_checkpoints": True},
            ("container", "runsc", "cuda:GPU-1"),
            [
                *("--keep-going", "--keep-checkpoints", "all"),
                *("--isolation", "container", "--runtime", "runsc", "--device", "cuda:GPU-1"),
            ],
        ),
        ({"keep_going": "yes; rm -rf /"}, DEFAULT, []),
    ],
)
def test_recorded_settings_are_repeated(
    settings: dict[str, Any], where: WhereRun, options: list[str], tmp_path: Path
) -> None:
    """What changes how it goes on, and where it runs, a GPU too."""
    stored = unfinished(where)
    write_settings(tmp_path, stored, where, **settings)
    command = words(how_to_continue(stored, [], tmp_path))
    assert command[7:] == ["--store", str(tmp_path), *options, "--image", "c" * 16]


@pytest.mark.parametrize("content", ["", "[]", "null", "[" * 100_000, '{"keep_going": true}', "\x00"])
def test_settings_that_are_damaged_or_of_another_place_are_passed_over(content: str, tmp_path: Path) -> None:
    """The name says where it runs; what does not give the name is not believed."""
    stored = unfinished(("container", "", "cpu"))
    write_settings(tmp_path, stored, DEFAULT, keep_going=True)
    if content:
        EvaluationPaths(folder=tmp_path / stored.id).settings.write_text(content)
    command = words(how_to_continue(stored, [], tmp_path))
    assert command[9:] == ["--isolation", "container", "--image", "c" * 16]


def write_settings(store: Path, stored: StoredEvaluation, where: WhereRun, **changes: Any) -> None:
    file = EvaluationPaths(folder=store / stored.id).settings
    file.parent.mkdir()
    names = dict(zip(("isolation", "runtime", "device"), where, strict=True))
    file.write_text(json.dumps({**names, **changes}))
