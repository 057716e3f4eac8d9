"""Folders that are expensive to make, made once for all test files and both workers of a test session.

Only for what is deterministic: ``test_the_same_seed_gives_the_same_bytes`` proves it of built challenges.
Nothing outlives the session, so that no change of the builder is hidden by what an older one left.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from filelock import FileLock


class SharedFolders:
    """A cache of folders under the session's temporary folder, with a lock for each."""

    def __init__(self, base: Path) -> None:
        """Keep folders under ``base``."""
        self._base = base

    @classmethod
    def of_session(cls, tmp_path_factory: pytest.TempPathFactory) -> SharedFolders:
        """Return the one cache of this session: xdist's workers have temporary folders side by side."""
        base = tmp_path_factory.getbasetemp()
        return cls((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared")

    def get(self, key: object, name: str, make: Callable[[Path], object]) -> Path:
        """Return the folder called ``name`` for a key; where there is none, ``make`` fills it first.

        Args:
            key: All that the content depends on; its representation is what counts.
            name: The folder's name, which a challenge may show.
            make: Creates the folder. If it fails, nothing stays and the next caller tries again.
        """
        place = self._base / sha256(repr(key).encode()).hexdigest()[:16]
        place.mkdir(parents=True, exist_ok=True)
        folder, done = place / name, place / "done"
        with FileLock(place / "lock"):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder
