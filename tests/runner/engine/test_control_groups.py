"""The memory of a container is read from its control group on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.control_groups import MemoryGroup

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
    group_of_it = MemoryGroup.of_container(NAME, 7, proc=proc(tmp_path, lines), groups=tmp_path)
    assert group_of_it is not None
    assert group_of_it.used_bytes() == 750
    (tmp_path / group / "memory.stat").write_text("nonsense")
    assert group_of_it.used_bytes() is None
    (tmp_path / group / file).unlink()
    assert group_of_it.used_bytes() is None


@pytest.mark.parametrize(
    "lines",
    [
        VERSION_2.replace(NAME, OTHER),  # the number of a process of another machine's engine
        "0::/\n",  # a namespace of its own: nothing is to be seen from here
        f"0::/../../docker-{NAME}.scope\n",  # outside of what is mounted here
        f"3:pids:/docker/{NAME}\n",
        "",
    ],
)
def test_another_group_is_not_taken_for_the_containers(tmp_path: Path, lines: str) -> None:
    """Then its memory is not known."""
    assert MemoryGroup.of_container(NAME, 7, proc=proc(tmp_path, lines), groups=tmp_path) is None
    assert MemoryGroup.of_container(NAME, 8, proc=tmp_path / "proc", groups=tmp_path) is None
