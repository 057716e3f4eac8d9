"""One build at a time in a folder; the lock leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.builder.lock import build_lock
from runner.errors import HostNotReadyError


def test_a_second_build_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    """By any path to the same folder; other folders are free."""
    folder = tmp_path / "deep" / "mine"
    (tmp_path / "link").symlink_to(folder)
    with build_lock(folder):
        for path in (folder, tmp_path / "deep" / ".." / "deep" / "mine", tmp_path / "link"):
            with pytest.raises(HostNotReadyError, match="Another command is building in"), build_lock(path):
                pass
        with build_lock(tmp_path / "other"):
            pass
        (folder / "file").write_text("")
    with build_lock(folder):
        assert [file.name for file in folder.iterdir()] == ["file"]


def test_a_folder_that_stays_empty_is_removed(tmp_path: Path) -> None:
    """A refused command leaves nothing; a folder that was there stays."""
    with pytest.raises(RuntimeError), build_lock(tmp_path / "new"):
        raise RuntimeError
    assert not (tmp_path / "new").exists()
    (tmp_path / "old").mkdir()
    with build_lock(tmp_path / "old"):
        pass
    assert (tmp_path / "old").is_dir()


@pytest.mark.parametrize("kind", ["file", "below a file", "dangling link"])
def test_what_cannot_be_a_folder_is_one_sentence(tmp_path: Path, kind: str) -> None:
    """With the path in it."""
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nothing" / "there")
    path = {"file": "file", "below a file": "file/mine", "dangling link": "link"}[kind]
    with pytest.raises(HostNotReadyError, match=r"cannot be used: "), build_lock(tmp_path / path):
        pass
