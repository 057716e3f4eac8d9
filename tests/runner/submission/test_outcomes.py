"""Files that are no submission are that submission's outcome; a path without any file is a wrong command."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner.errors import ConfigurationError
from runner.submission.load import RefusedSubmission, Submission, read_submission, require_existing
from tests.support.untrusted.archives import CODE
from tests.support.untrusted.submission_files import write_submission


def test_a_submission_is_read(mine: Path) -> None:
    """As `load_submission` does."""
    submission = read_submission(mine)
    assert isinstance(submission, Submission)
    assert submission.name == "mine"


def test_a_refusal_has_a_name_and_a_reason(tmp_path: Path) -> None:
    """Whatever is wrong with the files: no archive, no submission.py, another kind, a link, a pipe's folder."""
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("notes")
    linked = write_submission(tmp_path / "linked", {"submission.py": CODE})
    (linked / "data").symlink_to("/etc/passwd")
    large = write_submission(tmp_path / "large", {"submission.py": CODE})
    with (large / "weights").open("wb") as file:
        file.truncate(1 << 30)
    for name, words in (
        ("broken.zip", "broken.zip is refused: it is not a zip archive"),
        ("empty", "has no submission.py"),
        ("notes.txt", "is neither a folder nor a .py file nor a .zip"),
        ("linked", "data is a link"),
        ("large", "is over 100 MiB"),
    ):
        outcome = read_submission(tmp_path / name)
        assert isinstance(outcome, RefusedSubmission)
        assert outcome.name == Path(name).stem
        assert words in outcome.reason


def test_all_missing_paths_are_named(mine: Path, tmp_path: Path) -> None:
    """At once, and a path through a file is one of them."""
    missing = [tmp_path / "gone", mine / "submission.py" / "further"]
    with pytest.raises(ConfigurationError) as caught:
        require_existing([missing[0], mine, missing[1]])
    assert str(caught.value).startswith(f"No submission exists at {missing[0]}, {missing[1]}; name a folder")
    with pytest.raises(ConfigurationError, match="No submission exists"):
        read_submission(missing[0])


@pytest.mark.parametrize("name", ["x" * 300, f"{'y' * 300}.zip", "/".join(["deep"] * 1000)])
def test_a_name_that_is_too_long_ends_none_of_the_others(mine: Path, tmp_path: Path, name: str) -> None:
    """It may come from a list of paths; what it would be is not known."""
    require_existing([mine, tmp_path / name])
    outcome = read_submission(tmp_path / name)
    assert isinstance(outcome, RefusedSubmission)
    assert "File name too long" in outcome.reason
    assert Path(name).name[:90] in outcome.name


@pytest.mark.parametrize("error", [errno.EACCES, errno.EIO], ids=["not permitted", "unreadable"])
def test_a_place_that_cannot_be_read_ends_none_of_the_others(
    mine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    """Whatever is there, this user may not look, or the disk does not answer."""
    closed = tmp_path / "closed" / "entry.zip"

    def failing(call: Callable[..., Any]) -> Callable[..., Any]:
        def answer(path: Any, *arguments: Any, **options: Any) -> Any:
            if not isinstance(path, int) and os.fspath(path) == str(closed):
                raise OSError(error, os.strerror(error), str(closed))
            return call(path, *arguments, **options)

        return answer

    for name in ("stat", "lstat", "open"):
        monkeypatch.setattr(os, name, failing(getattr(os, name)))
    require_existing([mine, closed])
    outcome = read_submission(closed)
    assert isinstance(outcome, RefusedSubmission)
    assert (outcome.name, outcome.sha256) == ("entry.zip", None)
    assert os.strerror(error) in outcome.reason


@pytest.mark.parametrize("target", ["nowhere", "link.zip"], ids=["leads nowhere", "leads to itself"])
def test_a_link_is_something_that_exists(mine: Path, tmp_path: Path, target: str) -> None:
    """In a folder of many submissions it ends none of the others; its name is its own."""
    link = tmp_path / "link.zip"
    link.symlink_to(target)
    require_existing([mine, link])
    outcome = read_submission(link)
    assert isinstance(outcome, RefusedSubmission)
    assert outcome.name == "link.zip"
    assert "No submission exists at" in outcome.reason
