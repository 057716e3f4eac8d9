"""The memory of a container is read from its control group on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.control_groups import control_group, memory_bytes

NAME = "f" * 64
OTHER = "e" * 64
VERSION_1 = f"12:cpu,cpuacct:/docker/{NAME}\n9:memory:/docker/{NAME}\n1:name=systemd:/docker/{NAME}\n"
VERSION_2 = f"0::/system.slice/docker-{NAME}.scope\n"
HYBRID = f"9:memory:/docker/{NAME}\n0::/docker/{NAME}\n"
FILES = {
    "version 1": (VERSION_1, f"memory/docker/{NAME}", "memory.usage_in_bytes", "total_"),
    "version 2": (VERSION_2, f"system.slice/docker-{NAME}.scope", "memory.current", ""),
    "both": (HYBRID, f"memory/docker/{NAME}", "memory.usage_in_bytes", "total_"),
}


def proc(folder: Path, groups: str) -> Path:
    """Make the list of processes, with process 7 in these groups."""
    (folder / "proc" / "7").mkdir(parents=True)
    (folder / "proc" / "7" / "cgroup").write_text(groups)
    return folder / "proc"


@pytest.mark.parametrize("kind", FILES)
def test_file_cache_is_no_use_of_memory(tmp_path: Path, kind: str) -> None:
    """It is given back as soon as somebody else needs memory; files in memory are not."""
    lines, group, file, prefix = FILES[kind]
    (tmp_path / group).mkdir(parents=True)
    (tmp_path / group / file).write_text("1000\n")
    stat = f"shmem 300\n{prefix}inactive_file 200\n{prefix}active_file 50\n"
    (tmp_path / group / "memory.stat").write_text(stat)
    group_of_it = control_group(NAME, 7, "memory", proc=proc(tmp_path, lines), groups=tmp_path)
    assert group_of_it is not None
    assert memory_bytes(group_of_it) == 750
    (tmp_path / group / "memory.stat").write_text("nonsense")
    assert memory_bytes(group_of_it) is None
    (tmp_path / group / file).unlink()
    assert memory_bytes(group_of_it) is None


@pytest.mark.parametrize(
    "lines",
    [
        VERSION_2.replace(NAME, OTHER),  # the number of a process of another machine's engine
        "0::/\n",  # a namespace of its own: nothing is to be seen from here
        f"0::/../../docker-{NAME}.scope\n",  # outside of what is mounted here
        f"3:hugetlb:/docker/{NAME}\n",
        "",
    ],
)
@pytest.mark.parametrize("controller", ["memory", "cpuacct", "pids"])
def test_another_group_is_not_taken_for_the_containers(tmp_path: Path, lines: str, controller: str) -> None:
    """Then nothing is known of it."""
    assert control_group(NAME, 7, controller, proc=proc(tmp_path, lines), groups=tmp_path) is None
    assert control_group(NAME, 8, controller, proc=tmp_path / "proc", groups=tmp_path) is None


@pytest.mark.parametrize(
    ("lines", "controller", "folder", "above"),
    [
        (
            f"3:cpu,cpuacct:/a/b/{NAME}\n0::/\n",
            "cpuacct",
            f"cpuacct/a/b/{NAME}",
            ["cpuacct/a/b", "cpuacct/a"],
        ),
        (f"8:pids:/docker/{NAME}\n0::/docker/{NAME}\n", "pids", f"pids/docker/{NAME}", ["pids/docker"]),
        (f"0::/a/{NAME}.scope/container\n", "memory", f"a/{NAME}.scope", ["a"]),
        (f"0::/{NAME}\n", "pids", NAME, []),
    ],
    ids=["two controllers in one", "both versions", "processes in a group below", "at the top"],
)
def test_group_of_a_container(
    tmp_path: Path, lines: str, controller: str, folder: str, above: list[str]
) -> None:
    """It is the one that has the container's name, and those around it are listed from within."""
    group = control_group(NAME, 7, controller, proc=proc(tmp_path, lines), groups=tmp_path)
    assert group is not None
    assert group.folder == tmp_path / folder
    assert group.above == tuple(tmp_path / name for name in above)
