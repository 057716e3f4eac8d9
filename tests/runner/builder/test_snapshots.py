"""A snapshot is stored completely or not at all, replaced by the next one, and not used if damaged."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.builder.snapshots import SnapshotFiles
from runner.errors import HostNotReadyError
from sandbox.protocol.jobs import ORIGINAL


def content(files: SnapshotFiles, first: int) -> bytes:
    pieces = list(files.pieces(first))
    assert [last for _piece, last in pieces] == [False] * (len(pieces) - 1) + [True]
    return b"".join(piece for piece, _last in pieces)


def test_a_snapshot_is_returned_as_it_was_stored(tmp_path: Path) -> None:
    """Those of several trainings may be interleaved, and are cut differently on the way back."""
    files = SnapshotFiles(tmp_path, piece_bytes=7)
    contents = {ORIGINAL: b"0123456789" * 3, 16: b"abcdef" * 7}
    for first in contents:
        files.add(first, contents[first][:9], last=False)
    assert SnapshotFiles(tmp_path / "none").usable({16}) == []
    for first in contents:
        files.add(first, contents[first][9:], last=True)
    assert files.usable({ORIGINAL, 16, 32}) == [ORIGINAL, 16]
    assert {first: content(files, first) for first in contents} == contents


def test_the_next_snapshot_replaces_it_when_complete(tmp_path: Path) -> None:
    """Until its last piece arrives, the predecessor remains; afterwards only the new one exists."""
    files = SnapshotFiles(tmp_path)
    files.add(0, b"after 1 epoch", last=True)
    files.add(0, b"after ", last=False)
    assert SnapshotFiles(tmp_path).usable({0}) == [0]  # a build that died here: the piece is dropped
    assert content(files, 0) == b"after 1 epoch"
    files.add(0, b"after 3 epochs", last=True)
    assert content(files, 0) == b"after 3 epochs"
    assert len(os.listdir(tmp_path)) == 1


def test_a_damaged_snapshot_is_removed(tmp_path: Path) -> None:
    """A file whose hash is not the one in its name is not used: that training starts again."""
    files = SnapshotFiles(tmp_path)
    files.add(0, b"weights", last=True)
    files.add(16, b"weights", last=True)
    (damaged,) = tmp_path.glob("*.0.*")
    damaged.write_bytes(b"weighty")
    assert files.usable({0, 16}) == [16]
    assert not damaged.exists()


def test_snapshots_of_finished_trainings_are_removed(tmp_path: Path) -> None:
    """So are those of trainings that are not requested any more."""
    files = SnapshotFiles(tmp_path)
    for first in (0, 16, 32):
        files.add(first, b"weights", last=True)
    files.remove(0)
    assert files.usable({16}) == [16]
    assert len(os.listdir(tmp_path)) == 1


def test_two_snapshots_of_a_training_become_one(tmp_path: Path) -> None:
    """A crash between renaming the new one and removing the old one leaves two."""
    files = SnapshotFiles(tmp_path)
    files.add(0, b"weights", last=True)
    other = SnapshotFiles(tmp_path / "other")
    (tmp_path / "other").mkdir()
    other.add(0, b"later weights", last=True)
    (later,) = (tmp_path / "other").iterdir()
    later.rename(tmp_path / later.name)
    assert files.usable({0}) == [0]
    assert content(files, 0) in {b"weights", b"later weights"}


def test_a_snapshot_that_cannot_be_written(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(HostNotReadyError, match=r"snapshot\.0\.partly cannot be written: No such file"):
        SnapshotFiles(tmp_path / "gone").add(0, b"weights", last=True)
