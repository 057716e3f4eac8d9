"""Is a file in its place only after it was noted, and does nobody overwrite another's?"""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import TakenOverError
from runner.store.staged_files import commit_file, discard_file, recover_staged_files, stage_file


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_staged_file_is_beside_its_place(tmp_path: Path) -> None:
    """Two that stage the same place meet neither there nor each other."""
    place = tmp_path / "deep" / "00001.npz"
    stage_file(place, 1, b"one")
    stage_file(place, 2, b"two")
    assert not place.exists()
    commit_file(place, 2)
    assert place.read_bytes() == b"two"
    discard_file(place, 1)
    discard_file(place, 9)
    assert names(place.parent) == ["00001.npz"]


def test_who_comes_late_is_told(tmp_path: Path) -> None:
    """A staged file that another process has put in place is not ours to put there."""
    place = tmp_path / "00001.npz"
    stage_file(place, 1, b"one")
    recover_staged_files(tmp_path, lambda _index, _number, _file: True)
    with pytest.raises(TakenOverError, match="another process"):
        commit_file(place, 1)
    assert place.read_bytes() == b"one"


def test_leftovers_are_put_in_place_or_removed(tmp_path: Path) -> None:
    """What was noted is kept; what was not, and half-written files, go; finished files stay."""
    for index, number in ((1, 3), (2, 3), (3, 4)):
        stage_file(tmp_path / f"{index:05d}.safetensors", number, b"%d" % index)
    (tmp_path / ".00004.safetensors.4.part.abc").write_bytes(b"half")
    (tmp_path / "strange.part").write_bytes(b"")
    (tmp_path / "00009.safetensors").write_bytes(b"finished")
    asked: list[tuple[int, int]] = []

    def belongs(index: int, number: int, _file: Path) -> bool:
        asked.append((index, number))
        return index == 1

    recover_staged_files(tmp_path, belongs)
    assert sorted(asked) == [(1, 3), (2, 3), (3, 4)]
    assert names(tmp_path) == ["00001.safetensors", "00009.safetensors"]


def test_no_folder_no_leftovers(tmp_path: Path) -> None:
    """Before anything was written there is nothing to do."""
    recover_staged_files(tmp_path / "none", lambda _index, _number, _file: True)
    assert names(tmp_path) == []
