"""A file reaches its final path only after it was recorded, and no process overwrites another's."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import TakenOverError
from runner.store.staged_files import commit_file, discard_file, recover_staged_files, stage_file


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_staged_file_is_next_to_its_target(tmp_path: Path) -> None:
    """Two staged files of one target neither replace it nor each other before they are committed."""
    path = tmp_path / "deep" / "00001.npz"
    stage_file(path, 1, b"one")
    stage_file(path, 2, b"two")
    assert not path.exists()
    commit_file(path, 2)
    assert path.read_bytes() == b"two"
    discard_file(path, 1)
    discard_file(path, 9)
    assert names(path.parent) == ["00001.npz"]


def test_a_late_commit_is_refused(tmp_path: Path) -> None:
    """A staged file that another process has renamed into place cannot be committed again."""
    path = tmp_path / "00001.npz"
    stage_file(path, 1, b"one")
    recover_staged_files(tmp_path, lambda _index, _number, _file: True)
    with pytest.raises(TakenOverError, match="another process"):
        commit_file(path, 1)
    assert path.read_bytes() == b"one"


def test_leftovers_are_committed_or_removed(tmp_path: Path) -> None:
    """Recorded files are committed, unrecorded and half-written ones removed; finished files stay."""
    for index, number in ((1, 3), (2, 3), (3, 4)):
        stage_file(tmp_path / f"{index:05d}.safetensors", number, b"%d" % index)
    (tmp_path / ".00004.safetensors.4.part.abc").write_bytes(b"half")
    (tmp_path / "strange.part").write_bytes(b"")
    (tmp_path / "00009.safetensors").write_bytes(b"finished")
    queries: list[tuple[int, int]] = []

    def belongs(index: int, number: int, _file: Path) -> bool:
        queries.append((index, number))
        return index == 1

    recover_staged_files(tmp_path, belongs)
    assert sorted(queries) == [(1, 3), (2, 3), (3, 4)]
    assert names(tmp_path) == ["00001.safetensors", "00009.safetensors"]


def test_a_missing_folder_has_no_leftovers(tmp_path: Path) -> None:
    """Recovery does nothing before anything was written."""
    recover_staged_files(tmp_path / "none", lambda _index, _number, _file: True)
    assert names(tmp_path) == []
