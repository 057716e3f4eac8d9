"""Times of files of /proc, /sys and /dev stay as they are or are reset; here of folders of any kind."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.worker.cleanup.file_times import (
    ChangeableKernelFiles,
    changeable_nodes,
    hold_times,
    read_mounted_files,
    reset_times,
)


@pytest.fixture(autouse=True)
def closes_what_it_opened() -> Iterator[None]:
    """Close the descriptors that a test leaves open on purpose."""
    before = {int(name) for name in os.listdir("/proc/self/fd")}
    yield
    for fd in {int(name) for name in os.listdir("/proc/self/fd")} - before:
        try:
            os.close(fd)
        except OSError:  # that of the listing itself
            continue


def held_paths() -> set[str]:
    links = (Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd"))
    return {os.readlink(link) for link in links if link.is_symlink()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a folder with a file, a file that nobody may read, a link, a dead link and folders."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "file").write_text("text")
    (tmp_path / "secret").write_text("text")
    (tmp_path / "secret").chmod(0)
    (tmp_path / "link").symlink_to("secret")
    (tmp_path / "dead").symlink_to("nowhere")
    for name in ("net", "fd"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("")
    return tmp_path


def test_every_file_is_held_and_the_link_itself(tree: Path) -> None:
    """Whatever it is and whoever may read it; a process's folders net and fd are not entered."""
    expected = {"deep", "deep/er", "deep/er/file", "secret", "link", "dead", "net", "fd"}
    assert hold_times([tree]) == len(expected)
    assert {str(tree / name) for name in expected} <= held_paths()
    assert not {str(tree / name / "file") for name in ("net", "fd")} & held_paths()


def test_its_own_descriptors_are_not_held() -> None:
    """Each that is held would be another one to hold, up to the limit."""
    assert 0 < hold_times([Path(f"/proc/{os.getpid()}")]) < 1_000


@pytest.mark.parametrize("most", [0, 1, 3])
def test_the_number_is_bounded(tree: Path, most: int) -> None:
    """A GPU's container has more such files than a process may have descriptors."""
    assert hold_times([tree], most) == most
    assert len([path for path in held_paths() if path.startswith(f"{tree}/")]) == most


def test_what_is_missing_is_left_out(tmp_path: Path) -> None:
    """gVisor has no such folders."""
    assert hold_times([tmp_path / "missing"]) == 0


def test_links_and_folders_are_read_once(tree: Path) -> None:
    """Later readings do not move their times again: the kernel records a reading only once a day."""
    hold_times([tree])
    before = [(tree / name).lstat().st_atime_ns for name in ("link", "dead", "deep")]
    (tree / "link").readlink()
    (tree / "dead").readlink()
    list((tree / "deep").iterdir())
    assert [(tree / name).lstat().st_atime_ns for name in ("link", "dead", "deep")] == before


def test_all_nodes_with_changeable_times_are_listed(tmp_path: Path) -> None:
    """Folders, links with any target and nodes in subfolders are; files that only the owner may write are not."""
    inner = tmp_path / "pts"
    inner.mkdir()
    for file, mode in ((tmp_path / "null", 0o666), (tmp_path / "own", 0o644), (inner / "ptmx", 0o666)):
        file.touch()
        file.chmod(mode)
    (tmp_path / "fd").symlink_to("/proc/self/fd")
    (tmp_path / "gone").symlink_to("nowhere")
    assert sorted(changeable_nodes(tmp_path)) == sorted(
        [tmp_path, inner, tmp_path / "fd", tmp_path / "gone", tmp_path / "null", inner / "ptmx"]
    )


def test_times_are_reset_of_links_and_folders_themselves(tmp_path: Path) -> None:
    """Their targets keep theirs, and a node that is gone is left out."""
    inner, target = tmp_path / "inner", tmp_path / "target"
    inner.mkdir()
    target.touch()
    (tmp_path / "link").symlink_to("target")
    reset_times((inner, tmp_path / "link", tmp_path / "gone"))
    assert inner.stat().st_atime_ns == (tmp_path / "link").lstat().st_mtime_ns == 0
    assert target.stat().st_mtime_ns > 0


def test_a_mounted_file_keeps_its_time_after_the_first_reading(tmp_path: Path) -> None:
    """Where the kernel records the first one only (relatime); files that do not exist are left out."""
    file = tmp_path / "hostname"
    file.write_text("sandbox")
    day = 24 * 3600
    os.utime(file, (file.stat().st_mtime - day, file.stat().st_mtime))
    read_mounted_files([file, tmp_path / "hosts"])
    first = file.stat().st_atime_ns
    time.sleep(0.03)
    file.read_bytes()
    assert file.stat().st_atime_ns == first


def test_links_and_files_that_all_may_write_of_own_processes_are_listed(tmp_path: Path) -> None:
    """Not of folders that are no process's, nor in a process's folders that runs may not enter."""
    for folder in ("12/attr", "12/task/12/attr", "12/fd", "irq", "x12"):
        (tmp_path / folder).mkdir(parents=True)
        for name, mode in (("open", 0o666), ("own", 0o644)):
            (tmp_path / folder / name).touch()
            (tmp_path / folder / name).chmod(mode)
    (tmp_path / "self").symlink_to("12")
    (tmp_path / "12" / "exe").symlink_to("nowhere")
    expected = {"self", "12/exe", "12/attr/open", "12/task/12/attr/open"}
    assert {str(node.relative_to(tmp_path)) for node in ChangeableKernelFiles(tmp_path).paths()} == expected


def test_processes_of_others_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their times are theirs, and this process may not reset them."""
    (tmp_path / "12").mkdir()
    (tmp_path / "12" / "open").touch()
    (tmp_path / "12" / "open").chmod(0o666)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert ChangeableKernelFiles(tmp_path).paths() == []


def test_new_processes_and_threads_are_found_and_ended_ones_forgotten(tmp_path: Path) -> None:
    """What was found before is kept, and is looked for again only where the threads of a process changed."""

    def add(folder: str) -> None:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "open").touch()
        (tmp_path / folder / "open").chmod(0o666)

    def found() -> set[str]:
        return {str(node.relative_to(tmp_path)) for node in files.paths()}

    files = ChangeableKernelFiles(tmp_path)
    add("12/task/12")
    assert found() == {"12/task/12/open"}
    add("13/task/13")
    add("12/task/14")
    assert found() == {"12/task/12/open", "12/task/14/open", "13/task/13/open"}
    shutil.rmtree(tmp_path / "12")
    assert found() == {"13/task/13/open"}


def test_all_that_a_walk_through_proc_finds_is_found() -> None:
    """Of this very process: each link and each file that everybody may write, outside what runs may not enter."""
    left_out = {"net", "fd", "fdinfo", "map_files", "ns"}
    expected = set()
    for folder, folders, names in os.walk(f"/proc/{os.getpid()}"):
        folders[:] = [name for name in folders if name not in left_out]
        for path in (Path(folder) / name for name in names):
            if path.is_symlink() or path.lstat().st_mode & 0o002:
                expected.add(path)
    assert expected
    assert expected <= set(ChangeableKernelFiles().paths())
