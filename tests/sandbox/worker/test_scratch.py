"""Does a slot's folder become its group's, and nobody else's?"""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sandbox.worker.scratch import hand_over

GROUP = 2_001 if os.geteuid() == 0 else os.getegid()
"""Only root may be in any group; in the container it may because of one capability."""


def test_a_folder_is_its_groups_alone(tmp_path: Path) -> None:
    """Its group may enter and write, no other may; sticky, so that nobody marks the folder itself."""
    tmp_path.chmod(0o700)
    hand_over({tmp_path: GROUP})
    found = tmp_path.stat()
    assert (found.st_uid, found.st_gid) == (os.geteuid(), GROUP)
    assert stat.S_IMODE(found.st_mode) == 0o1770


def test_who_hands_over_is_in_no_other_group_afterwards(tmp_path: Path) -> None:
    """Also where a folder is missing, which is an error: no run begins."""
    own = os.getegid()
    with pytest.raises(FileNotFoundError):
        hand_over({tmp_path: GROUP, tmp_path / "missing": GROUP})
    assert os.getegid() == own
