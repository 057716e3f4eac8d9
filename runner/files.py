"""Files: written whole or not at all; read only if they are plain files within a size limit."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

from runner.errors import ConfigurationError, HostNotReadyError
from runner.units import size_text


class UnexpectedFileError(OSError):
    """A file is of another kind or larger than the file that is due."""

    def __init__(self, path: Path, problem: str) -> None:
        """Describe it.

        Args:
            path: Of the file.
            problem: What is wrong, after the path as subject.
        """
        super().__init__(errno.EINVAL, f"it {problem}", str(path))
        self.problem = problem


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file under a temporary name in the same folder, then rename it to its final path.

    A device, pipe or socket is never replaced: root would take /dev/null from the whole machine.

    Raises:
        HostNotReadyError: the file cannot be written (no space, no permission, no plain file is there); no
            temporary file remains.
    """
    if is_special(path):
        raise HostNotReadyError(f"{path} cannot be written: it is a device, a pipe or a socket.")
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with open(fd, "wb") as file:
            file.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise HostNotReadyError(f"{path} cannot be written: {error.strerror or error}.") from error


def is_special(path: Path) -> bool:
    """Return whether a path, or what it links to, is a device, a pipe or a socket."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def free_memory_bytes() -> int:
    """Return the memory that this host has available without swapping."""
    import psutil  # noqa: PLC0415 - takes a tenth of the start of `unlearn list`, which reads no large file

    return int(psutil.virtual_memory().available)


def read_regular_file(
    path: Path, *, max_bytes: int, free_bytes: Callable[[], int] = free_memory_bytes
) -> bytes:
    """Return the content of an untrusted file that an operator named; see `read_stored_file`.

    Raises:
        HostNotReadyError: the file is larger than this host's free memory.
        ConfigurationError: it is not a plain file, is larger than ``max_bytes``, or changed during reading.
        OSError: it cannot be opened or read.
    """
    try:
        return read_stored_file(path, max_bytes=max_bytes, free_bytes=free_bytes)
    except UnexpectedFileError as error:
        raise ConfigurationError(f"{path} {error.problem}.") from error


def read_stored_file(
    path: Path, *, max_bytes: int, free_bytes: Callable[[], int] = free_memory_bytes
) -> bytes:
    """Return the content of a file; its kind and size are checked before it is read.

    A pipe is not waited for and a device is not read. A link is followed, to a plain file only.

    Raises:
        HostNotReadyError: the file is larger than this host's free memory.
        UnexpectedFileError: it is not a plain file, is larger than ``max_bytes``, or changed during reading.
        OSError: it cannot be opened or read.
    """
    fd = _open_regular(path)
    try:
        status = os.fstat(fd)
        if status.st_size > max_bytes:
            raise UnexpectedFileError(path, f"is larger than {size_text(max_bytes)}")
        if status.st_size > (free := free_bytes()):
            raise HostNotReadyError(
                f"{path} needs {size_text(status.st_size)} of memory; this host has {size_text(free)} free."
            )
        with open(fd, "rb", closefd=False) as file:
            data = file.read(status.st_size + 1)
    finally:
        os.close(fd)
    if len(data) != status.st_size:
        raise UnexpectedFileError(path, "changed while it was read")
    return data


def _open_regular(path: Path) -> int:
    """Return a descriptor of a plain file, without waiting for a pipe."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UnexpectedFileError(path, "is not a regular file")
    return fd


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a plain file in hex.

    Raises:
        OSError: the file cannot be read, or is a pipe or a device.
    """
    with open(_open_regular(path), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file in hex, or None where the file cannot be read."""
    try:
        return hash_file(path)
    except OSError:
        return None
