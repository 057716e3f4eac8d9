"""Files appear whole or not at all, without leftovers, and only plain files are read."""

from __future__ import annotations

import os
import resource
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from runner.errors import ConfigurationError, HostNotReadyError
from runner.files import (
    UnexpectedFileError,
    file_sha256,
    read_regular_file,
    read_stored_file,
    write_atomic,
)


@contextmanager
def full_disk(room_bytes: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_written_and_replaced(tmp_path: Path) -> None:
    """A file is created with its folders, and a second write replaces it; no other file exists."""
    file = tmp_path / "a" / "b" / "c.bin"
    write_atomic(file, b"first, and longer")
    write_atomic(file, b"second")
    assert file.read_bytes() == b"second"
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["c.bin"]


def test_readable_by_all_whatever_the_umask(tmp_path: Path) -> None:
    """A result can be read by another user than the one who ran the command."""
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "x", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o644


@pytest.mark.parametrize("kind", ["pipe", "socket", "link to a pipe", "link to a device"])
def test_what_is_no_plain_file_is_never_replaced(kind: str, tmp_path: Path) -> None:
    """Root would take /dev/null from the whole machine by naming it as the file to write."""
    place = tmp_path / "place"
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        if kind == "socket":
            listener.bind(str(place))
        else:
            os.mkfifo(tmp_path / "pipe")
            target = {"pipe": None, "link to a pipe": tmp_path / "pipe"}.get(kind, Path("/dev/null"))
            place.symlink_to(target) if target else os.mkfifo(place)
        before = (place.lstat().st_ino, place.lstat().st_mode)
        with pytest.raises(HostNotReadyError, match="it is a device, a pipe or a socket"):
            write_atomic(place, b"data")
        assert (place.lstat().st_ino, place.lstat().st_mode) == before


def test_parent_that_is_a_file(tmp_path: Path) -> None:
    """Where a file has the path of a needed folder, the host is not ready."""
    (tmp_path / "file").write_bytes(b"kept")
    for path in (tmp_path / "file" / "x", tmp_path / "file" / "deep" / "x"):
        with pytest.raises(HostNotReadyError, match="cannot be written"):
            write_atomic(path, b"data")
    assert (tmp_path / "file").read_bytes() == b"kept"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_place_that_is_a_folder(tmp_path: Path) -> None:
    """Where a folder has the file's own path, no temporary file remains next to it."""
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(HostNotReadyError, match="taken cannot be written"):
        write_atomic(tmp_path / "taken", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    assert (tmp_path / "taken" / "inside").is_dir()


def test_name_that_is_too_long(tmp_path: Path) -> None:
    """A name that the file system refuses is reported, and no temporary file remains."""
    with pytest.raises(HostNotReadyError, match="cannot be written"):
        write_atomic(tmp_path / ("x" * 255), b"data")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [2000, 5_000_000])
def test_full_disk(tmp_path: Path, size: int) -> None:
    """When the disk is full, the old file is unchanged and no partial file remains."""
    file = tmp_path / "x"
    write_atomic(file, b"old")
    with full_disk(1000), pytest.raises(HostNotReadyError, match="cannot be written"):
        write_atomic(file, bytes(size))
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_reader_never_sees_a_half(tmp_path: Path) -> None:
    """A reader sees a whole content even while other processes write."""
    file = tmp_path / "x"
    contents = [bytes([number]) * 300_000 for number in range(3)]
    write_atomic(file, contents[0])

    def write() -> None:
        for _ in range(20):
            for content in contents:
                write_atomic(file, content)

    writers = [threading.Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert file.read_bytes() in contents
    for writer in writers:
        writer.join()
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_read_is_a_plain_file(tmp_path: Path) -> None:
    """A plain file of at most ``max_bytes`` is read; a file that the kernel generates is refused."""
    (tmp_path / "x").write_bytes(b"12345")
    assert read_regular_file(tmp_path / "x", max_bytes=5) == b"12345"
    with pytest.raises(ConfigurationError, match="is larger than 4 bytes"):
        read_regular_file(tmp_path / "x", max_bytes=4)
    with pytest.raises(ConfigurationError, match="changed while it was read"):
        read_regular_file(Path("/proc/self/status"), max_bytes=5)
    with pytest.raises(FileNotFoundError):
        read_regular_file(tmp_path / "y", max_bytes=5)


def test_a_file_larger_than_free_memory_is_not_read(tmp_path: Path) -> None:
    """The error states the missing memory; a file of exactly the free size is read."""
    (tmp_path / "x").write_bytes(b"12345")
    assert read_regular_file(tmp_path / "x", max_bytes=5, free_bytes=lambda: 5) == b"12345"
    os.truncate(tmp_path / "x", 15 << 30)  # sparse: it takes no room
    with pytest.raises(HostNotReadyError, match=r"x needs 15 GiB of memory; this host has 1 GiB free"):
        read_regular_file(tmp_path / "x", max_bytes=16 << 30, free_bytes=lambda: 1 << 30)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "dead link"])
def test_what_is_hashed_is_a_plain_file(tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for, and an endless device never ends."""
    file = tmp_path / "file"
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if kind == "device" else tmp_path / "none")
    assert file_sha256(file) is None
    with pytest.raises(OSError):  # noqa: PT011 - of any kind: the caller takes all of them alike
        read_stored_file(file, max_bytes=100)


def test_a_stored_file_has_at_most_the_size_that_is_due(tmp_path: Path) -> None:
    """The error has the path and the reason, as every error of the operating system."""
    file = tmp_path / "file"
    file.write_bytes(b"12345")
    assert read_stored_file(file, max_bytes=5) == b"12345"
    with pytest.raises(UnexpectedFileError) as caught:
        read_stored_file(file, max_bytes=4)
    assert caught.value.filename == str(file)
    assert caught.value.strerror == "it is larger than 4 bytes"
