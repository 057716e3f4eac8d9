"""The janitor waits until the sockets of a run are gone."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from sandbox.worker.fds import SocketsInFlight


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
