"""A slot's folder is assigned to the slot's group, and no other group gets access."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sandbox.worker.scratch import assign_groups

GROUP = 2_001 if os.geteuid() == 0 else os.getegid()
"""Only root may join any group; in the container CAP_SETGID allows it."""


def test_only_the_group_has_access_to_a_folder(tmp_path: Path) -> None:
    """The group may enter and write, others may not; sticky, so that no run marks the folder itself."""
    tmp_path.chmod(0o700)
    assign_groups({tmp_path: GROUP})
    status = tmp_path.stat()
    assert (status.st_uid, status.st_gid) == (os.geteuid(), GROUP)
    assert stat.S_IMODE(status.st_mode) == 0o1770


def test_the_caller_is_in_its_own_group_afterwards(tmp_path: Path) -> None:
    """This holds even if a folder is missing, which is an error: no run starts."""
    own = os.getegid()
    with pytest.raises(FileNotFoundError):
        assign_groups({tmp_path: GROUP, tmp_path / "missing": GROUP})
    assert os.getegid() == own
