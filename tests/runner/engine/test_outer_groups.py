"""Whether memory or processes ran out around a container is read from the control groups above it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple, cast

import docker
import pytest
import requests.exceptions

from runner.engine import docker_container
from runner.engine.control_groups import ControlGroup, control_group
from runner.engine.docker_container import DockerContainer
from runner.engine.outer_groups import OuterMemory, OuterProcesses, has_reached_limit
from runner.units import MIB

UNLIMITED = (1 << 63) - 4096


class Tree:
    """Control groups in a folder: a container in a slice in a slice."""

    def __init__(self, folder: Path, version: int, controller: str = "memory") -> None:
        self.groups, self.mounts = folder, folder / "mounts"
        self.mounts.write_text("cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n")
        top = folder / controller if version == 1 else folder
        self.outer, self.inner = top / "machine", top / "machine" / "runs"
        (self.inner / "box").mkdir(parents=True)
        (folder / "proc" / "7").mkdir(parents=True)
        controllers = f"9:{controller}" if version == 1 else "0:"
        (folder / "proc" / "7" / "cgroup").write_text(f"{controllers}:/machine/runs/box\n")
        own = control_group("box", 7, controller, proc=folder / "proc", groups=folder)
        assert own is not None
        self.own: ControlGroup = own

    def around(self) -> OuterMemory:
        """Return the groups above the container, as it starts; then it ends, and its own group is gone."""
        around = OuterMemory.of(self.own, mounts=self.mounts)
        shutil.rmtree(self.own.folder)
        return around

    def limit(self, folder: Path, use: Use) -> None:
        """Give a group of version 1 a limit, the most that was used, and how often it was too little."""
        (folder / "memory.limit_in_bytes").write_text(f"{use.limit}\n")
        (folder / "memory.max_usage_in_bytes").write_text(f"{use.peak}\n")
        (folder / "memory.failcnt").write_text(f"{use.failures}\n")
        (folder / "memory.memsw.failcnt").write_text(f"{use.with_swap}\n")
        (folder / "memory.usage_in_bytes").write_text(f"{use.used + 70 * MIB}\n")
        (folder / "memory.stat").write_text(f"total_inactive_file {60 * MIB}\ntotal_active_file {10 * MIB}\n")
        (folder / "memory.memsw.limit_in_bytes").write_text(f"{use.swap_limit}\n")
        (folder / "memory.memsw.max_usage_in_bytes").write_text(f"{use.peak + use.swapped}\n")

    def count(self, folder: Path, *, below: int, own: int) -> None:
        """State how often memory ran out in a group of version 2: in all of it, and by its own limit."""
        (folder / "memory.events").write_text(f"low 0\nmax 9\noom {below}\noom_kill 5\n")
        (folder / "memory.events.local").write_text(f"low 0\nmax 9\noom {own}\noom_kill 0\n")


class Use(NamedTuple):
    """The memory of a group of version 1."""

    limit: int = UNLIMITED
    peak: int = 10 * MIB
    failures: int = 0
    with_swap: int = 0
    swap_limit: int = UNLIMITED
    swapped: int = 0
    used: int = 10 * MIB


LIMITED = Use(limit=900 * MIB)
SWAPPED = Use(limit=900 * MIB, peak=400 * MIB, swap_limit=900 * MIB)
FULL = Use(limit=900 * MIB, peak=890 * MIB, failures=3, with_swap=2)
UNCOUNTED = FULL._replace(failures=0, with_swap=0)


@pytest.mark.parametrize(
    ("before", "after", "ran_short"),
    [
        (Use(), Use(peak=9000 * MIB), False),
        (LIMITED, LIMITED._replace(peak=600 * MIB), False),
        (LIMITED, FULL, True),
        (FULL, FULL, False),
        (FULL, FULL._replace(failures=4), True),
        (FULL, FULL._replace(with_swap=3), True),
        (LIMITED, LIMITED._replace(failures=4), False),
        (UNCOUNTED, UNCOUNTED, False),
        (UNCOUNTED, UNCOUNTED._replace(used=850 * MIB), True),
        (LIMITED, UNCOUNTED, True),
        (SWAPPED, SWAPPED._replace(swapped=500 * MIB, with_swap=1), True),
        (SWAPPED, SWAPPED._replace(swapped=300 * MIB, with_swap=1), False),
    ],
    ids=[
        "no limit",
        "its limit is far away",
        "it reached its limit meanwhile",
        "it had reached its limit before",
        "before, and meanwhile",
        "meanwhile, the limit of memory and swap together",
        "only a single request was too large",
        "before, the kernel does not count, and now there is room",
        "before, the kernel does not count, and now there is little room",
        "meanwhile, and the kernel does not count",
        "a part of it is in swap, and both together reach a limit",
        "both together do not",
    ],
)
@pytest.mark.parametrize("folder", ["outer", "inner"])
def test_version_1(tmp_path: Path, before: Use, after: Use, ran_short: bool, folder: str) -> None:
    """A limit of several containers was reached, and so all of them were told that memory had run out.

    What happened before the container started explains nothing: the groups may be weeks old.
    """
    tree = Tree(tmp_path, 1)
    tree.limit(tree.outer, Use())
    tree.limit(tree.inner, Use())
    tree.limit(tree.own.folder, Use(limit=100 * MIB))
    tree.limit(getattr(tree, folder), before)
    around = tree.around()
    tree.limit(getattr(tree, folder), after)
    assert around.ran_short() is ran_short


@pytest.mark.parametrize(
    ("version", "swapped", "reached"), [(1, 490, True), (1, 480, False), (2, 490, False)]
)
def test_own_limit_of_memory_and_swap(tmp_path: Path, version: int, swapped: int, reached: bool) -> None:
    """What the host has moved to swap counts; under version 2 the kernel counts how often memory ran out."""
    tree = Tree(tmp_path, version)
    tree.limit(tree.own.folder, SWAPPED._replace(swapped=swapped * MIB))
    assert has_reached_limit(tree.own) is reached


class SilentApi:
    """Docker's API of an engine that knows the container's process, and does not tell its statistics in time."""

    def inspect_container(self, _identity: str) -> dict[str, Any]:
        return {"State": {"Pid": 7}}

    def stats(self, *_arguments: Any, **_options: Any) -> dict[str, Any]:
        raise requests.exceptions.ReadTimeout


@pytest.mark.parametrize(("peak", "reached"), [(890, True), (400, False), (None, None)])
def test_an_engine_that_does_not_answer_costs_no_verdict(
    tmp_path: Path, peak: int | None, reached: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a container came up to its limit is read from its own group, while that exists."""
    tree = Tree(tmp_path, 1)
    for folder in (tree.outer, tree.inner):
        tree.limit(folder, Use())
    tree.limit(tree.own.folder, Use(limit=900 * MIB, peak=(peak or 0) * MIB))
    monkeypatch.setattr(docker_container, "control_group", lambda *_names: tree.own)
    stream, other = socket.socketpair()
    with stream, other:
        container = DockerContainer(cast("docker.APIClient", SilentApi()), "box", stream)
        container.look_for_groups()
        if peak is None:
            shutil.rmtree(tree.own.folder)
        assert container.has_reached_memory_limit() is reached


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
    tree = Tree(tmp_path, version)
    assert OuterProcesses.of(tree.own, mounts=tree.mounts).ran_short() is False
    assert tree.around().ran_short() is False


def test_groups_that_do_not_count_what_is_below_them_explain_nothing(tmp_path: Path) -> None:
    """A mount option of control groups 2, with which a container's own shortage is counted nowhere else."""
    tree = Tree(tmp_path, 2)
    tree.mounts.write_text("cgroup2 /sys/fs/cgroup cgroup2 rw,memory_localevents 0 0\n")
    for folder in (tree.outer, tree.inner):
        tree.count(folder, below=0, own=0)
    assert tree.around().ran_short() is False


class Processes(NamedTuple):
    """The processes of a group, as its files state them."""

    peak: str = "20"
    limit: str = "60"
    current: str = "20"
    refusals: str | None = None


FILLED = Processes(peak="60")


@pytest.mark.parametrize(
    ("before", "after", "ran_short"),
    [
        (Processes(), Processes(), False),
        (Processes(), Processes(peak="59"), False),
        (Processes(), FILLED, True),
        (Processes(limit="max"), Processes(peak="9999", limit="max"), False),
        (Processes(peak=""), Processes(peak=""), False),
        (FILLED, FILLED, False),
        (FILLED, FILLED._replace(current="55"), True),
        (FILLED._replace(refusals="4"), FILLED._replace(refusals="4"), False),
        (FILLED._replace(refusals="4"), FILLED._replace(refusals="4", current="55"), False),
        (FILLED._replace(refusals="4"), FILLED._replace(refusals="5"), True),
    ],
    ids=[
        "room",
        "room for one",
        "full meanwhile",
        "no limit",
        "a kernel before 6.0",
        "full before, with room for the container now",
        "full before, without room for the container now",
        "full before, and nothing was refused since",
        "the same with little room",
        "full before, and something was refused since",
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_a_group_full_of_processes(
    tmp_path: Path, before: Processes, after: Processes, ran_short: bool, version: int
) -> None:
    """One above the container; whether its own is full is another question."""
    tree = Tree(tmp_path, version, "pids")
    state_processes(tree.own.folder, Processes(peak="9", limit="9", current="9"))
    state_processes(tree.inner, Processes(limit="max"))
    state_processes(tree.outer, before)
    around = OuterProcesses.of(tree.own, mounts=tree.mounts)
    state_processes(tree.outer, after)
    assert around.ran_short() is ran_short


def test_refusals_that_are_counted_where_somebody_asked_tell_nothing(tmp_path: Path) -> None:
    """A mount option of control groups 2: then the room that is left decides."""
    tree = Tree(tmp_path, 2, "pids")
    tree.mounts.write_text("cgroup2 /sys/fs/cgroup cgroup2 rw,pids_localevents 0 0\n")
    state_processes(tree.own.folder, Processes(limit="9"))
    state_processes(tree.outer, FILLED._replace(refusals="0"))
    around = OuterProcesses.of(tree.own, mounts=tree.mounts)
    assert around.ran_short() is False
    state_processes(tree.outer, FILLED._replace(refusals="0", current="55"))
    assert around.ran_short() is True


def state_processes(folder: Path, processes: Processes) -> None:
    """Write the files of a group."""
    (folder / "pids.peak").write_text(f"{processes.peak}\n")
    (folder / "pids.max").write_text(f"{processes.limit}\n")
    (folder / "pids.current").write_text(f"{processes.current}\n")
    if processes.refusals is not None:
        (folder / "pids.events.local").write_text(f"max {processes.refusals}\n")
