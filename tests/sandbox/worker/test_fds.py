"""The janitor waits until the sockets of a run are gone, and the space that its files took."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from sandbox.worker.fds import SocketsInFlight, SpaceInUse


def write_sockets(file: Path, number: int) -> None:
    """Write a list of sockets like the kernel's: a head, and a line for each; names may hold any bytes."""
    file.write_bytes(b"Num RefCount\n" + b"0000: 00000003 0001 03 1 @\xff\xfe name\n" * number)


@pytest.fixture
def list_of_5(tmp_path: Path) -> Path:
    file = tmp_path / "unix"
    write_sockets(file, 5)
    return file


@pytest.mark.parametrize(("left", "gone"), [(4, True), (5, True), (6, False), (900, False)])
def test_sockets_beyond_those_that_stay_are_noticed(list_of_5: Path, left: int, gone: bool) -> None:
    """Three stay for ever, and two were the janitor's own, which has two at the end as well."""
    sockets = SocketsInFlight(list_of_5, patience_seconds=0.05)
    sockets.count_others(own=2)
    write_sockets(list_of_5, left)
    assert sockets.wait_until_gone(own=2) is gone


def test_the_number_that_stays_is_counted_before_the_first_run(list_of_5: Path) -> None:
    """What a run has left is not taken for something that stays."""
    sockets = SocketsInFlight(list_of_5, patience_seconds=0.05)
    sockets.count_others(own=4)
    write_sockets(list_of_5, 6)
    sockets.count_others(own=4)
    assert not sockets.wait_until_gone(own=4)


def test_sockets_that_go_are_waited_for(list_of_5: Path) -> None:
    """The kernel closes them one after another."""
    sockets = SocketsInFlight(list_of_5, patience_seconds=10.0)
    sockets.count_others(own=2)
    write_sockets(list_of_5, 300)
    timer = threading.Timer(0.1, write_sockets, (list_of_5, 5))
    timer.start()
    assert sockets.wait_until_gone(own=2)
    timer.join()


def test_without_a_list_nothing_is_waited_for(tmp_path: Path) -> None:
    """Nor before the first run was announced."""
    sockets = SocketsInFlight(tmp_path / "absent")
    assert sockets.wait_until_gone(own=2)
    sockets.count_others(own=2)
    assert sockets.wait_until_gone(own=2)


class Disk:
    """Stands for the file systems of the folders: how many of 100 blocks and 100 files are in use."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocks, self.files = 3, 4
        monkeypatch.setattr(os, "statvfs", lambda _folder: self._state())

    def _state(self) -> SimpleNamespace:
        return SimpleNamespace(f_blocks=100, f_bfree=100 - self.blocks, f_files=100, f_ffree=100 - self.files)


@pytest.mark.parametrize(
    ("blocks", "files", "free"), [(3, 4, True), (2, 1, True), (4, 4, False), (3, 5, False)]
)
def test_space_beyond_that_before_the_first_run_is_noticed(
    monkeypatch: pytest.MonkeyPatch, blocks: int, files: int, free: bool
) -> None:
    """Blocks and files alike; what a run has left is not taken for something that stays."""
    disk, space = Disk(monkeypatch), SpaceInUse(patience_seconds=0.02)
    space.measure([Path("/tmp")])
    disk.blocks, disk.files = blocks, files
    space.measure([Path("/tmp")])
    assert space.wait_until_free() is free


def test_space_that_is_being_freed_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel closes files one after another."""
    disk, space = Disk(monkeypatch), SpaceInUse(patience_seconds=10.0)
    space.measure([Path("/tmp")])
    disk.blocks = 90
    timer = threading.Timer(0.05, lambda: setattr(disk, "blocks", 3))
    timer.start()
    assert space.wait_until_free()
    timer.join()


def test_of_a_folder_that_does_not_exist_nothing_is_in_use(tmp_path: Path) -> None:
    """Not every kernel has ``/dev/mqueue``."""
    space = SpaceInUse(patience_seconds=0.0)
    space.measure([tmp_path / "absent"])
    assert space.wait_until_free()
