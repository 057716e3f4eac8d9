"""TODO runner.submission.pack."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from runner.errors import ConfigurationError
from runner.sanitize import sanitize_line

MAX_SUBMISSION_BYTES: Final = 100 << 20
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def shown_path(path: Path) -> str:
    """Return a path as a message may contain it: a stranger has chosen its last parts."""
    return sanitize_line(str(path).encode(errors="surrogateescape"), 500)


def pack_paths(files: Iterator[tuple[str, Path]]) -> bytes:
    packed = io.BytesIO()
    total = 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            data = read_submission_file(path, MAX_SUBMISSION_BYTES - total)
            total += len(data)
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return packed.getvalue()


def read_submission_file(path: Path, limit: int = MAX_SUBMISSION_BYTES) -> bytes:
    """Read a regular file, deciding about its kind and size before its content."""
    if path.is_symlink():
        raise ConfigurationError(f"{shown_path(path)} is a link; a submission must be plain files.")
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    with open(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationError(
                f"{shown_path(path)} is not a regular file; a submission must be plain files."
            )
        if found.st_size > limit:
            raise ConfigurationError(
                f"The submission is over {MAX_SUBMISSION_BYTES >> 20} MiB with {shown_path(Path(path.name))}."
            )
        data = file.read(found.st_size + 1)
    if len(data) != found.st_size:
        raise ConfigurationError(f"{shown_path(path)} changed while it was read.")
    return data
