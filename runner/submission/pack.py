"""Pack files as a zip archive whose bytes depend on names and content alone."""

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
from runner.submission.limits import MAX_SUBMISSION_BYTES
from runner.units import size_text

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that zip can store, in place of the file's own."""


class ChangedFileError(ConfigurationError):
    """A file was written while it was read: what was read is no version of it."""


def display_path(path: Path) -> str:
    """Return a path as a message may contain it: its last parts are untrusted."""
    return sanitize_line(str(path).encode(errors="surrogateescape"), 500)


def pack_paths(files: Iterator[tuple[str, Path]]) -> bytes:
    """Return an archive of files, each with its name in the archive, uncompressed and in the given order.

    Raises:
        ConfigurationError: a file is not a plain file, or the files are too large together.
        OSError: a file cannot be read.
    """
    packed = io.BytesIO()
    total = 0
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, path in files:
            data = read_submission_file(path, MAX_SUBMISSION_BYTES - total)
            total += len(data)
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), data)
    return packed.getvalue()


def read_submission_file(path: Path, max_bytes: int = MAX_SUBMISSION_BYTES) -> bytes:
    """Return the content of a plain file; its kind and size are checked before it is read.

    Raises:
        ChangedFileError: it changed during reading.
        ConfigurationError: it is not a plain file, or is too large.
        OSError: it cannot be read.
    """
    if path.is_symlink():
        raise ConfigurationError(f"{display_path(path)} is a link; a submission must be plain files.")
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise ConfigurationError(
                f"{display_path(path)} is not a regular file; a submission must be plain files."
            )
        if status.st_size > max_bytes:
            raise ConfigurationError(
                f"The submission is over {size_text(MAX_SUBMISSION_BYTES)} with "
                f"{display_path(Path(path.name))}."
            )
        with open(fd, "rb", closefd=False) as file:
            data = file.read(status.st_size + 1)
    finally:
        os.close(fd)
    if len(data) != status.st_size:
        raise ChangedFileError(f"{display_path(path)} changed while it was read.")
    return data
