"""The processor time of a container, as both versions of control groups count it."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.engine.control_groups import control_group, processor_seconds

NAME = "0123456789abcdef"


@pytest.mark.parametrize(
    ("groups_of_process", "file", "content", "seconds"),
    [
        (f"3:cpu,cpuacct:/docker/{NAME}\n0::/", "cpuacct/docker/{}/cpuacct.usage", "2500000000\n", 2.5),
        (f"0::/docker/{NAME}", "docker/{}/cpu.stat", "usage_usec 2500000\nuser_usec 1\n", 2.5),
        (f"0::/docker/{NAME}", "docker/{}/cpu.stat", "garbage\n", None),
        (f"0::/docker/{NAME}", "docker/{}/other", "", None),
    ],
    ids=["version 1", "version 2", "unreadable", "gone"],
)
def test_processor_seconds(
    tmp_path: Path, groups_of_process: str, file: str, content: str, seconds: float | None
) -> None:
    (tmp_path / "proc" / "7").mkdir(parents=True)
    (tmp_path / "proc" / "7" / "cgroup").write_text(groups_of_process)
    counter = tmp_path / "groups" / file.format(NAME)
    counter.parent.mkdir(parents=True)
    counter.write_text(content)
    group = control_group(NAME, 7, "cpuacct", proc=tmp_path / "proc", groups=tmp_path / "groups")
    assert group is not None
    assert processor_seconds(group) == seconds
