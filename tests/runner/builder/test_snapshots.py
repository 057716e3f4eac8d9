"""Is what a training can be gone on from kept whole, replaced by the next, and not believed if damaged?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runner.builder import snapshots
from runner.builder.snapshots import SnapshotFiles
from runner.errors import HostNotReadyError
from sandbox.protocol.jobs import ORIGINAL


def content(files: SnapshotFiles, first: int) -> bytes:
    pieces = list(files.pieces(first))
    assert [last for _piece, last in pieces] == [False] * (len(pieces) - 1) + [True]
    return b"".join(piece for piece, _last in pieces)


def test_pieces_come_back_as_they_went(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several trainings, interleaved, and cut elsewhere on the way back."""
    monkeypatch.setattr(snapshots, "SNAPSHOT_PIECE_BYTES", 7)
    files = SnapshotFiles(tmp_path)
    said = {ORIGINAL: b"0123456789" * 3, 16: b"abcdef" * 7}
    for first in said:
        files.take(first, said[first][:9], last=False)
    assert SnapshotFiles(tmp_path / "none").usable({16}) == []
    for first in said:
        files.take(first, said[first][9:], last=True)
    assert files.usable({ORIGINAL, 16, 32}) == [ORIGINAL, 16]
    assert {first: content(files, first) for first in said} == said


def test_the_next_replaces_it_when_it_is_whole(tmp_path: Path) -> None:
    """Until its last piece has come, the one before is there; afterwards alone the new one."""
    files = SnapshotFiles(tmp_path)
    files.take(0, b"after 1 epoch", last=True)
    files.take(0, b"after ", last=False)
    assert SnapshotFiles(tmp_path).usable({0}) == [0]  # a build that died here: the piece is dropped
    assert content(files, 0) == b"after 1 epoch"
    files.take(0, b"after 3 epochs", last=True)
    assert content(files, 0) == b"after 3 epochs"
    assert len(os.listdir(tmp_path)) == 1


def test_what_was_damaged_is_removed(tmp_path: Path) -> None:
    """A file whose bytes are not those that its name tells of is trained anew."""
    files = SnapshotFiles(tmp_path)
    files.take(0, b"weights", last=True)
    files.take(16, b"weights", last=True)
    (damaged,) = tmp_path.glob("*.0.*")
    damaged.write_bytes(b"weighty")
    assert files.usable({0, 16}) == [16]
    assert not damaged.exists()


def test_what_nobody_wants_is_removed(tmp_path: Path) -> None:
    """A training that is finished, or that is not asked for any more."""
    files = SnapshotFiles(tmp_path)
    for first in (0, 16, 32):
        files.take(first, b"weights", last=True)
    files.forget(0)
    assert files.usable({16}) == [16]
    assert len(os.listdir(tmp_path)) == 1


def test_two_of_one_training_are_one(tmp_path: Path) -> None:
    """As a crash between the new name and the removal of the old leaves them."""
    files = SnapshotFiles(tmp_path)
    files.take(0, b"weights", last=True)
    other = SnapshotFiles(tmp_path / "other")
    (tmp_path / "other").mkdir()
    other.take(0, b"later weights", last=True)
    (later,) = (tmp_path / "other").iterdir()
    later.rename(tmp_path / later.name)
    assert files.usable({0}) == [0]
    assert content(files, 0) in {b"weights", b"later weights"}


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    """With the file, in one sentence."""
    with pytest.raises(HostNotReadyError, match=r"snapshot\.0\.partly cannot be written: No such file"):
        SnapshotFiles(tmp_path / "gone").take(0, b"weights", last=True)
