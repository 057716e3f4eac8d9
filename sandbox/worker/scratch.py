"""Access to the scratch folders: the supervisor assigns each slot's folder to the slot's group only.

The engine mounts each folder for root only, because not every engine can set the group of a tmpfs. The
supervisor needs no capability to change owners: the owner of a folder may assign it to any group of which
the owner is a member, and CAP_SETGID lets the supervisor join each group for a moment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

SCRATCH: Final = Path("/scratch")
_GROUP_ONLY: Final = 0o1770
"""Sticky, otherwise a run could leave extended attributes on the folder for the next run."""


def assign_groups(folders: dict[Path, int]) -> None:
    """Assign each folder to its group. Call this before anything is forked.

    Raises:
        OSError: a folder does not exist, or this process may not change its group.
    """
    own = os.getegid()
    for folder, gid in folders.items():
        os.setegid(gid)
        try:
            os.chown(folder, -1, gid)
            os.chmod(folder, _GROUP_ONLY)
        finally:
            os.setegid(own)
