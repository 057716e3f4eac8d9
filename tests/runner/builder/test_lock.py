"""One build at a time in a folder; the lock leaves nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.builder.lock import build_lock
from runner.errors import ConfigurationError, HostNotReadyError


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


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("file", "file is a file"),
        ("file/mine", "file is a file"),
        ("file/mine/deeper", "file is a file"),
        ("to-file", "to-file is a file"),
        ("link", "link is a link to nothing"),
        ("pipe", "pipe is no folder"),
        ("pipe/mine", "pipe is no folder"),
    ],
)
def test_what_is_no_folder_is_wrong_usage(tmp_path: Path, path: str, sentence: str) -> None:
    """The sentence names what is in the way; nothing is created."""
    (tmp_path / "file").write_text("kept")
    (tmp_path / "to-file").symlink_to("file")
    (tmp_path / "link").symlink_to(tmp_path / "nothing" / "there")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ConfigurationError) as caught, build_lock(tmp_path / path):
        pass
    assert str(caught.value) == f"{tmp_path}/{sentence}; name a folder."
    assert caught.value.exit_code == 2
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("kind", ["name too long", "circle"])
def test_what_cannot_be_used_is_one_sentence(tmp_path: Path, kind: str) -> None:
    """With the path in it."""
    (tmp_path / "circle").symlink_to("circle")
    path = tmp_path / ("a" * 300 if kind == "name too long" else "circle/mine")
    with pytest.raises(HostNotReadyError, match=r"cannot be used: "), build_lock(path):
        pass
