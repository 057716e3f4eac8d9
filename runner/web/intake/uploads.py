"""The files in ``FILES/uploads``: their names, and which of them are no longer needed."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from runner.web.problems import ProblemError

KEPT_SECONDS: Final = 86_400.0
"""A file without an entry that needs it is kept for so long: its request may still be at work."""
_NAME: Final = re.compile(r"[0-9a-f]{64}\.[0-9a-f]{16}")
_TEMPORARY: Final = ".partial"


@dataclass(slots=True)
class Upload:
    """A file while it is received."""

    folder: Path
    temporary: Path
    file: BinaryIO

    def keep(self, sha256: str) -> str:
        """Give the file its final name, and return that; it is on the disk then.

        Args:
            sha256: Of its content.
        """
        self.file.flush()
        os.fsync(self.file.fileno())
        name = f"{sha256}.{secrets.token_hex(8)}"
        self.temporary.rename(self.folder / name)
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return name


@contextmanager
def new_upload(folder: Path, length: int, *, spare_bytes: int) -> Iterator[Upload]:
    """Yield an open file; one that was not kept is removed.

    Args:
        folder: Of uploads; it is made if it is missing.
        length: Of the file, in bytes.
        spare_bytes: What must remain free on the disk.

    Raises:
        ProblemError: there is no room.
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(folder).free - length < spare_bytes:
        raise ProblemError(
            503, "There is no room for the file at the moment; the organizers can see it.", retry_after=600
        )
    temporary = folder / f"{_TEMPORARY}-{secrets.token_hex(8)}"
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o660)
    with open(fd, "wb") as file:  # noqa: PTH123 - by its descriptor, whose mode the evaluating user needs
        try:
            yield Upload(folder, temporary, file)
        finally:
            temporary.unlink(missing_ok=True)


def remove_upload(folder: Path, name: str) -> None:
    """Remove a file that no entry needs."""
    with contextlib.suppress(OSError):  # the next sweep removes it
        (folder / name).unlink()


def sweep_uploads(folder: Path, needed: Collection[str], *, now: float | None = None) -> int:
    """Remove files that are older than a day and that no entry needs; return how many.

    Args:
        folder: Of uploads.
        needed: Names of the files that entries need.
        now: The present moment, in seconds of `time.time`.
    """
    oldest, removed = (now if now is not None else time.time()) - KEPT_SECONDS, 0
    if not folder.is_dir():
        return 0
    for file in sorted(folder.iterdir()):
        is_ours = _NAME.fullmatch(file.name) or file.name.startswith(_TEMPORARY)
        with contextlib.suppress(FileNotFoundError):
            if is_ours and file.name not in needed and file.lstat().st_mtime < oldest:
                file.unlink()
                removed += 1
    return removed
