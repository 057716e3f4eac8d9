"""An organizer's files are listed, named and hashed alike, wherever they lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.builder.data_files import gather_data
from runner.errors import ConfigurationError


def lay_out(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_names_and_hash(tmp_path: Path) -> None:
    """The hash depends on names and contents alone; hidden files are skipped."""
    data = gather_data(lay_out(tmp_path / "one", b="2", a__c="1"), "idx")
    assert [(file.name, file.size_bytes) for file in data.files] == [("a/c", 1), ("b", 1)]
    assert [file.read() for file in data.files] == [b"1", b"2"]
    hidden = lay_out(tmp_path / "two", a__c="1", b="2")
    lay_out(hidden, **{".DS_Store": "x", ".git__config": "y"})
    assert gather_data(hidden, "idx").sha256 == data.sha256
    for number, changed in enumerate(({"b": "3"}, {"d": "2"}, {"b": "2", "e": ""})):
        other = lay_out(tmp_path / f"other{number}", a__c="1", **changed)
        assert gather_data(other, "idx").sha256 != data.sha256


def test_one_file(tmp_path: Path) -> None:
    """A single file has its own name."""
    (only,) = gather_data(lay_out(tmp_path, **{"own.npz": "x"}) / "own.npz", "arrays").files
    assert only.name == "own.npz"


def test_no_files(tmp_path: Path) -> None:
    """A folder that is empty or does not exist is refused in one sentence."""
    with pytest.raises(ConfigurationError, match="There is no data at"):
        gather_data(tmp_path / "none", "idx")
    with pytest.raises(ConfigurationError, match="There are no files in"):
        gather_data(tmp_path, "idx")
    (tmp_path / "notes.txt").write_text("nothing of faces")
    with pytest.raises(ConfigurationError, match="There are no files that the recipe faces reads in"):
        gather_data(tmp_path, "faces")


def test_changed_meanwhile(tmp_path: Path) -> None:
    """A file whose content is not the hashed one is not sent."""
    data = gather_data(lay_out(tmp_path, a="1"), "idx")
    lay_out(tmp_path, a="2")
    with pytest.raises(ConfigurationError, match="changed while the challenge was built"):
        data.files[0].read()


def test_too_much(tmp_path: Path) -> None:
    """Files that the trainer's memory cannot hold are refused by their sizes, unread."""
    with open(tmp_path / "large", "wb") as file:
        file.truncate(5 << 30)
    with pytest.raises(ConfigurationError, match="are 5120 MiB; the maximum is 4096"):
        gather_data(tmp_path, "idx")


def test_files_that_are_not_read_are_counted(tmp_path: Path) -> None:
    """By their endings; pictures of every kind that can be decoded are read, clutter is not mentioned."""
    names = ["Age_Gender.txt", "p/1.jpg", "p/2.webp", "p/3.TIFF", "p/4.heic", "p/5.HEIC", "p/6.cr2", "p/note"]
    for name in [*names, "p/Thumbs.db", "p/._1.jpg", "p/desktop.ini", ".DS_Store", "@eaDir/1.jpg"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"data")
    data = gather_data(tmp_path, "faces")
    assert [file.name for file in data.files] == ["Age_Gender.txt", "p/1.jpg", "p/2.webp", "p/3.TIFF"]
    assert data.note("faces") == (
        "faces reads 4 of your files; not read: 1 .cr2, 2 .heic, 1 without an ending"
    )
    everything = gather_data(tmp_path, "idx")
    assert len(everything.files) == len(names)
    assert everything.note("idx") is None


def test_the_pictures_that_the_contest_did_not_read_are_counted(tmp_path: Path) -> None:
    """In its own folders, depth and infrared pictures have the same ending as those that are read."""
    for camera in ("color", "depth", "ir"):
        folder = tmp_path / "WBackground" / "01" / "person" / "real.rssdk" / camera
        folder.mkdir(parents=True)
        (folder / "1.jpg").write_bytes(b"data")
    assert gather_data(tmp_path, "faces").note("faces") == "faces reads 1 of your files; not read: 2 .jpg"
