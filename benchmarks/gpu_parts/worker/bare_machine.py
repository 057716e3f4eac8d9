"""The worker where no namespaces can be made, as in a rented container: what it needs, and what is put back.

It then shares /tmp, /dev/shm, user ids and the list of processes with everything else on the machine. So it
gets a temporary folder of its own, which it empties, and user ids that nobody has.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import pwd
import secrets
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
_NOTE_BYTES: Final = 1 << 14


class Loan:
    """What the machine has lent to the worker, in memory that a forked child shares.

    So the parent can put it back, whatever has ended the child: a signal, a crash, a driver that holds it.
    """

    def __init__(self) -> None:
        """Begin with nothing lent."""
        self._memory = mmap.mmap(-1, _NOTE_BYTES)

    def note(self, *, folder: Path, scratch: Path | None, terminals: Path | None) -> None:
        """Note what is about to be lent.

        Args:
            folder: Temporary folder that is about to be made.
            scratch: Folder that is about to be made, or None if it was there before.
            terminals: The node for new terminals, whose mode the worker changes; or None.
        """
        mode = None if terminals is None else terminals.stat().st_mode & 0o7777
        names = [None if path is None else str(path) for path in (folder, scratch, terminals)]
        data = json.dumps([*names, mode]).encode()
        self._memory[1 : len(data) + 2] = data + b"\0"
        self._memory[0] = 1  # last, so that a note that is whole is known as such

    def put_back(self) -> None:
        """End the runs, and put back all that was lent, if anything was."""
        if not self._memory[0]:
            return
        folder, scratch, terminals, mode = json.loads(self._memory[1:].partition(b"\0")[0])
        end_runs()
        shutil.rmtree(folder, ignore_errors=True)
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        if terminals is not None:
            with contextlib.suppress(OSError):
                Path(terminals).chmod(mode)
        self._memory[0] = 0


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
def lent_to_worker(
    scratch: Path = _SCRATCH, *, terminals: Path = _TERMINALS, loan: Loan | None = None
) -> Iterator[str]:
    """Give the worker a scratch folder, and yield the temporary folder of its own; then clean up.

    A process that may be killed passes a loan, which its parent puts back.
    """
    loan = loan or Loan()
    own = not scratch.exists()
    # Noted before it is made, so the name is chosen here; nobody else can guess it.
    folder = Path(tempfile.gettempdir(), f"gpu-worker-{secrets.token_hex(16)}")
    loan.note(
        folder=folder,
        scratch=scratch if own else None,
        terminals=terminals if terminals.exists() else None,
    )
    try:
        (scratch / "0").mkdir(parents=True, exist_ok=True)
        if own:
            scratch.chmod(0o755)
        folder.mkdir(mode=0o700)
        folder.chmod(0o755)  # runs have another uid and must enter it
        yield str(folder)
    finally:
        loan.put_back()


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
