"""The kernel's counter of memory kills is read from both versions of control groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.worker.memory_events import oom_kills

VERSION_1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
VERSION_2 = "low 0\nhigh 0\nmax 812\noom 5\noom_kill 3\noom_group_kill 0\n"
CAPTURED_2 = "low 0\nhigh 0\nmax 40\noom 1\noom_kill 1\noom_group_kill 0\n"
"""Written by Linux 6.12 of Debian 13, in a container of 64 MiB in which a process had requested 200."""


@pytest.mark.parametrize(
    ("text", "kills"), [(VERSION_1, 3), (VERSION_2, 3), (CAPTURED_2, 1)], ids=["v1", "v2", "v2-captured"]
)
def test_kills_are_counted(tmp_path: Path, text: str, kills: int) -> None:
    """The count is of killed processes, not of allocations that reached the limit."""
    (tmp_path / "counter").write_text(text)
    assert oom_kills((tmp_path / "missing", tmp_path / "counter")) == kills


def test_without_a_counter_the_count_is_zero(tmp_path: Path) -> None:
    """Under gVisor there are no control groups, and the engine's report counts."""
    assert oom_kills((tmp_path / "missing",)) == 0
