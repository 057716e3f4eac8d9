"""What a device that was killed has left on the disk is removed, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from runner.cluster.node.share_folders import remove_left_shares, share_prefix


def test_only_folders_of_dead_processes_are_removed(tmp_path: Path) -> None:
    """Not those of a process that is alive, nor what has another name."""
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    left = Path(tempfile.mkdtemp(prefix=share_prefix(ended.pid), dir=tmp_path))
    (left / "3").write_bytes(b"checkpoint")
    alive = Path(tempfile.mkdtemp(prefix=share_prefix(os.getpid()), dir=tmp_path))
    others = [tmp_path / "unlearn-share-notes", tmp_path / "other"]
    for other in others:
        other.mkdir()
    assert remove_left_shares(tmp_path) == 1
    assert not left.exists()
    assert all(folder.is_dir() for folder in (alive, *others))
    assert remove_left_shares(tmp_path) == 0
