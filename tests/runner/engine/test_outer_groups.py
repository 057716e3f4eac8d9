"""Whether memory ran out around a container is read from the control groups above it, which outlive it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.control_groups import MemoryGroup, OuterGroups, out_of_processes, outer_process_groups
from runner.units import MIB

UNLIMITED = (1 << 63) - 4096


class Tree:
    """Control groups in a folder: a container in a slice in a slice."""

    def __init__(self, folder: Path, version: int) -> None:
        self.groups, self.mounts = folder, folder / "mounts"
        self.mounts.write_text("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n")
        top = folder / "memory" if version == 1 else folder
        self.outer, self.inner = top / "machine", top / "machine" / "runs"
        (self.inner / "box").mkdir(parents=True)
        (folder / "proc" / "7").mkdir(parents=True)
        controllers = "9:memory" if version == 1 else "0:"
        (folder / "proc" / "7" / "cgroup").write_text(f"{controllers}:/machine/runs/box\n")
        own = MemoryGroup.of_container("box", 7, proc=folder / "proc", groups=folder)
        assert own is not None
        self.own = own

    def around(self) -> OuterGroups:
        """Return the groups above the container, as it starts; then it ends, and its own group is gone."""
        around = OuterGroups.of(self.own, groups=self.groups, mounts=self.mounts)
        self.own.folder.rmdir()
        return around

    def limit(self, folder: Path, *, limit: int, peak: int) -> None:
        """Give a group of version 1 a limit, and the most that was used."""
        (folder / "memory.limit_in_bytes").write_text(f"{limit}\n")
        (folder / "memory.max_usage_in_bytes").write_text(f"{peak}\n")

    def count(self, folder: Path, *, below: int, own: int) -> None:
        """State how often memory ran out in a group of version 2: in all of it, and by its own limit."""
        (folder / "memory.events").write_text(f"low 0\nmax 9\noom {below}\noom_kill 5\n")
        (folder / "memory.events.local").write_text(f"low 0\nmax 9\noom {own}\noom_kill 0\n")


@pytest.mark.parametrize(
    ("outer", "inner", "ran_short"),
    [
        ((UNLIMITED, UNLIMITED), (UNLIMITED, 900 * MIB), False),
        ((1000 * MIB, 700 * MIB), (UNLIMITED, 700 * MIB), False),
        ((1000 * MIB, 990 * MIB), (UNLIMITED, 900 * MIB), True),
        ((UNLIMITED, 900 * MIB), (1000 * MIB, 1000 * MIB), True),
    ],
)
def test_version_1(tmp_path: Path, outer: tuple[int, int], inner: tuple[int, int], ran_short: bool) -> None:
    """A limit of several containers was reached, and so all of them were told that memory had run out."""
    tree = Tree(tmp_path, 1)
    tree.limit(tree.outer, limit=outer[0], peak=outer[1])
    tree.limit(tree.inner, limit=inner[0], peak=inner[1])
    assert tree.around().ran_short() is ran_short


@pytest.mark.parametrize(
    ("outer", "inner", "ran_short"),
    [
        ((3, 0), (3, 0), True),  # no limit at all was reached meanwhile: it was the whole host
        ((4, 0), (4, 0), False),  # the container's, or a neighbour's
        ((4, 1), (3, 0), True),  # one above both of them
        ((4, 0), (4, 1), True),
        ((5, 1), (4, 0), True),  # both at once: nobody knows which one it was
    ],
)
def test_version_2(tmp_path: Path, outer: tuple[int, int], inner: tuple[int, int], ran_short: bool) -> None:
    """A group counts how often memory ran out below it, and how often it was by its own limit."""
    tree = Tree(tmp_path, 2)
    for folder in (tree.outer, tree.inner):
        tree.count(folder, below=3, own=0)
    around = tree.around()
    tree.count(tree.outer, below=outer[0], own=outer[1])
    tree.count(tree.inner, below=inner[0], own=inner[1])
    assert around.ran_short() is ran_short


@pytest.mark.parametrize("version", [1, 2])
def test_what_cannot_be_read_explains_nothing(tmp_path: Path, version: int) -> None:
    """Then the engine's word counts, as before: a run cannot gain from it."""
    assert Tree(tmp_path, version).around().ran_short() is False


def test_groups_that_do_not_count_what_is_below_them_explain_nothing(tmp_path: Path) -> None:
    """A mount option of control groups 2, with which a container's own shortage is counted nowhere else."""
    tree = Tree(tmp_path, 2)
    tree.mounts.write_text("cgroup2 /sys/fs/cgroup cgroup2 rw,memory_localevents 0 0\n")
    for folder in (tree.outer, tree.inner):
        tree.count(folder, below=0, own=0)
    assert tree.around().ran_short() is False


@pytest.mark.parametrize(("line", "top"), [("8:pids:", "pids"), ("0::", "")])
@pytest.mark.parametrize(
    ("peak", "limit", "is_full"),
    [("60", "60", True), ("59", "60", False), ("60", "max", False), ("", "60", False)],
)
def test_a_group_full_of_processes(
    tmp_path: Path, line: str, top: str, peak: str, limit: str, is_full: bool
) -> None:
    """One above the container; whether its own is full is another question."""
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "cgroup").write_text(f"{line}/machine/runs/box\n")
    own = tmp_path / top / "machine" / "runs" / "box"
    own.mkdir(parents=True)
    (own / "pids.peak").write_text("9\n")
    (own / "pids.max").write_text("9\n")
    (own.parent / "pids.peak").write_text("9\n")
    (own.parent / "pids.max").write_text("max\n")
    (own.parents[1] / "pids.peak").write_text(f"{peak}\n")
    (own.parents[1] / "pids.max").write_text(f"{limit}\n")
    folders = outer_process_groups("box", 7, proc=tmp_path, groups=tmp_path)
    assert folders == (own.parent, own.parents[1])
    assert out_of_processes(folders) is is_full
    assert outer_process_groups("other", 7, proc=tmp_path, groups=tmp_path) == ()
