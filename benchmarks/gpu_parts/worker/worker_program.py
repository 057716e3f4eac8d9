"""The worker for `benchmarks/gpu.py`: the same program, with the filter of system calls from a file.

    python -m benchmarks.gpu_parts.worker.worker_program FILTER [bare]

The image's worker builds the filter with libseccomp, which a bare machine may lack. With
``bare`` it mounts nothing: `bare_machine` has prepared what it needs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from sandbox.worker.main import main

_IMAGE: Final = Path("/opt/unlearn/sandbox")
_FOLDERS: Final = ("/tmp", "/dev/shm", "/scratch")


def _mount_own_folders() -> None:
    """Give this mount namespace the folders in memory that a container has, and terminals of its own."""
    for folder in _FOLDERS:
        Path(folder).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g,mode=1777", "none", folder], check=True)
    Path("/scratch/0").mkdir()
    subprocess.run(
        ["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0600", "none", "/dev/pts"], check=True
    )


if __name__ == "__main__":
    instructions = Path(sys.argv[1]).read_bytes()
    is_bare = sys.argv[2:] == ["bare"]
    if is_bare:  # `bare_machine` has made the folders; the zygote empties this one
        assert "TMPDIR" in os.environ, "a temporary folder of its own"
    elif not _IMAGE.is_dir():
        _mount_own_folders()
    main(lambda: instructions, is_alone=not is_bare)
