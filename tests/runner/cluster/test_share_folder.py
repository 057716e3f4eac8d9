"""What a killed device leaves is removed; what is in use is not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from runner.cluster.node.share_folder import remove_left_shares, share_folder

HOLDER = """\
import sys, time
from pathlib import Path
from runner.cluster.node.share_folder import share_folder
with share_folder(Path(sys.argv[1])) as folder:
    (folder / "0.safetensors").write_bytes(b"weights")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_device_leaves_is_removed(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        theirs = Path(holder.stdout.readline().strip())
        with share_folder(tmp_path) as mine:
            assert mine != theirs
            assert remove_left_shares(tmp_path) == 0
            assert (theirs / "0.safetensors").read_bytes() == b"weights", "it is in use"
            assert list(mine.iterdir()) == []
        assert not mine.exists()
    finally:
        holder.kill()
        holder.communicate()
    assert theirs.exists(), "nobody was there to remove it"
    with share_folder(tmp_path) as mine:
        assert remove_left_shares(tmp_path) == 1
        assert list(tmp_path.iterdir()) == [mine]


def test_what_is_no_share_of_this_user_stays(tmp_path: Path) -> None:
    """A file, a link, a folder that others may read: none of them was made by a device."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "kept").touch()
    (tmp_path / "unlearn-share-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "unlearn-share-file").touch()
    (tmp_path / "unlearn-share-open").mkdir(mode=0o755)
    (tmp_path / "unlearn-shares").mkdir(mode=0o700)
    before = sorted(tmp_path.rglob("*"))
    assert remove_left_shares(tmp_path) == 0
    assert sorted(tmp_path.rglob("*")) == before
