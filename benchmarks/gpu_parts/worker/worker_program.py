"""The worker for `benchmarks/gpu.py`: the same program, with the filter of system calls from a file.

    python -m benchmarks.gpu_parts.worker.worker_program FILTER [bare]

The image's worker builds the filter with libseccomp, which a bare machine may lack. With
``bare`` it mounts nothing: `bare_machine` has prepared what it needs.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from sandbox.worker.main import main

_IMAGE: Final = Path("/opt/unlearn/sandbox")
_FOLDERS: Final = ("/tmp", "/dev/shm", "/scratch")
_TEMPORARY: Final = "/tmp/own"
_MS_RDONLY, _MS_REMOUNT, _MS_BIND, _MS_REC = 0x1, 0x20, 0x1000, 0x4000


def _mount_own_folders() -> None:
    """Give this mount namespace the folders in memory that a container has, and terminals of its own.

    What Python needs from such a folder stays there, read-only: the tree itself, or packages.
    """
    needed = {path: os.open(path, os.O_PATH) for path in needed_within(_FOLDERS)}
    for folder in _FOLDERS:
        Path(folder).mkdir(exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4g,mode=1777", "none", folder], check=True)
    for path, fd in needed.items():
        path.mkdir(parents=True, exist_ok=True)
        _mount(f"/proc/self/fd/{fd}", path, _MS_BIND | _MS_REC)
        _mount("none", path, _MS_BIND | _MS_REMOUNT | _MS_RDONLY)
        os.close(fd)
    os.chdir(Path.cwd())  # what was mounted over is still the current folder
    Path("/scratch/0").mkdir(exist_ok=True)
    terminals = ["mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0600", "none", "/dev/pts"]
    if subprocess.run(terminals, check=False).returncode != 0:  # then none, rather than the machine's
        subprocess.run(["mount", "-t", "tmpfs", "none", "/dev/pts"], check=True)
    # The zygote empties the folder of temporary files, so it must be one of its own.
    Path(_TEMPORARY).mkdir(mode=0o755)
    os.environ["TMPDIR"], tempfile.tempdir = _TEMPORARY, None


def needed_within(folders: tuple[str, ...]) -> list[Path]:
    """Return the outermost folders below these that Python imports or libraries are loaded from."""
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(":")
    named = [*sys.path, sys.prefix, sys.base_prefix, str(Path.cwd()), *libraries]
    found = {Path(name).resolve() for name in named if name and Path(name).is_dir()}
    inside = sorted(path for path in found if any(Path(folder) in path.parents for folder in folders))
    return [path for path in inside if not any(other in path.parents for other in inside)]


def _mount(source: str, target: Path, flags: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(source.encode(), str(target).encode(), None, ctypes.c_ulong(flags), None) != 0:
        raise OSError(ctypes.get_errno(), f"{source} cannot be mounted at {target}")


if __name__ == "__main__":
    instructions = Path(sys.argv[1]).read_bytes()
    is_bare = sys.argv[2:] == ["bare"]
    if is_bare:  # `bare_machine` has made the folders; the zygote empties this one
        assert "TMPDIR" in os.environ, "a temporary folder of its own"
    elif not _IMAGE.is_dir():
        _mount_own_folders()
    main(lambda: instructions, is_alone=not is_bare)
