"""The worker where no namespaces can be made, as in a rented container: what it needs, and what is put back.

It then shares /tmp, /dev/shm, user ids and the list of processes with everything else on the machine. So it
gets a temporary folder of its own, which it empties, and user ids that nobody has.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FIRST_UID: Final = 64_000
"""Above those of runs in containers, whose processes a host sees too."""
UIDS: Final = range(FIRST_UID, FIRST_UID + 64)
_RUN_UIDS: Final = range(10_000, 59_999)
"""A file of such a user in a shared folder looks to the worker like a run's that it cannot remove."""
_SHARED: Final = (Path("/tmp"), Path("/dev/shm"))
_SCRATCH: Final = Path("/scratch")
_TERMINALS: Final = Path("/dev/pts/ptmx")


def obstacle(shared: tuple[Path, ...] = _SHARED, scratch: Path = _SCRATCH) -> str | None:
    """Return why the worker cannot be started on this machine as it is, in a sentence, or None."""
    if os.getuid() != 0:
        return "the worker needs root"
    used = {entry.pw_uid for entry in pwd.getpwall()} | {uid for _process, uid in _processes()}
    if taken := sorted(used & set(UIDS)):
        return f"the user id {taken[0]} is in use, and the worker would end its processes"
    for folder in shared:
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.lstat().st_uid in _RUN_UIDS:
                return f"{path} belongs to a user id that runs may have; remove it"
    if scratch.exists() and not (scratch / "0").is_dir():
        return f"{scratch} exists and is not the worker's"
    return None


@contextlib.contextmanager
def lent_to_worker(scratch: Path = _SCRATCH) -> Iterator[str]:
    """Give the worker a scratch folder, and yield the temporary folder of its own; then clean up."""
    own = not scratch.exists()
    (scratch / "0").mkdir(parents=True, exist_ok=True)
    if own:
        scratch.chmod(0o755)
    mode = _TERMINALS.stat().st_mode & 0o7777 if _TERMINALS.exists() else None
    folder = tempfile.mkdtemp(prefix="gpu-worker-")
    Path(folder).chmod(0o755)  # runs have another uid and must enter it
    try:
        yield folder
    finally:
        end_runs()
        shutil.rmtree(folder, ignore_errors=True)
        if own:
            shutil.rmtree(scratch, ignore_errors=True)
        if mode is not None:
            with contextlib.suppress(OSError):
                _TERMINALS.chmod(mode)


def end_runs() -> int:
    """End every process that has one of `UIDS`, which nobody had before, and return their number."""
    count = 0
    for process, uid in _processes():
        if uid in UIDS:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
                count += 1
    return count


def _processes() -> Iterator[tuple[int, int]]:
    """Yield each process with its effective user id."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        with contextlib.suppress(OSError):
            for line in (folder / "status").read_text(errors="replace").splitlines():
                if line.startswith("Uid:"):
                    yield int(folder.name), int(line.split()[2])
