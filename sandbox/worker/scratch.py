"""Who may enter a slot's scratch folder: the supervisor makes it the slot's group's, and nobody else's.

The engine mounts each as root's alone, because not every engine can give a tmpfs a group. That needs no
capability to change owners: whoever owns a folder may give it to any group that they are in, and
CAP_SETGID lets the supervisor be in each group for a moment.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

SCRATCH: Final = Path("/scratch")
_GROUP_ONLY: Final = 0o1770
"""Sticky, or a run could leave extended attributes on the folder for the next one."""


def hand_over(folders: dict[Path, int]) -> None:
    """Give each folder to its group. Call before anything is forked.

    Raises:
        OSError: a folder is not there, or not this process's to give.
    """
    own = os.getegid()
    for folder, gid in folders.items():
        os.setegid(gid)
        try:
            os.chown(folder, -1, gid)
            os.chmod(folder, _GROUP_ONLY)
        finally:
            os.setegid(own)
