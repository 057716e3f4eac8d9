"""Are the kernel's counts of memory kills read as both versions of control groups write them?"""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.supervisor import oom_kills

VERSION_1 = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"
VERSION_2 = "low 0\nhigh 0\nmax 812\noom 5\noom_kill 3\noom_group_kill 0\n"


@pytest.mark.parametrize("text", [VERSION_1, VERSION_2], ids=["v1", "v2"])
def test_kills_are_counted(tmp_path: Path, text: str) -> None:
    """Processes killed, not allocations that met the limit."""
    (tmp_path / "counter").write_text(text)
    assert oom_kills((tmp_path / "missing", tmp_path / "counter")) == 3


def test_where_nothing_tells_nothing_is_counted(tmp_path: Path) -> None:
    """gVisor shows no control groups; there the engine's word counts."""
    assert oom_kills((tmp_path / "missing",)) == 0
