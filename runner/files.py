"""Files: written whole or not at all; read only if they are plain files and not too long."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path

import psutil

from runner.errors import ConfigurationError, HostNotReadyError
from runner.units import MIB


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file beside its place and rename it into it.

    Raises:
        HostNotReadyError: it cannot be written (no space, no permission); nothing is left behind.
    """
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


def free_memory_bytes() -> int:
    """Return how much memory this host can give without swapping."""
    return int(psutil.virtual_memory().available)


def read_regular_file(
    path: Path, *, most_bytes: int, free_bytes: Callable[[], int] = free_memory_bytes
) -> bytes:
    """Return what a file holds that a stranger may have put there, deciding about it before it is read.

    A pipe is not waited for, a device not read, and a link followed to what is itself a plain file alone.

    Raises:
        HostNotReadyError: it is larger than this host's free memory.
        ConfigurationError: it is no plain file, is longer than that, or changed while it was read.
        OSError: it cannot be opened or read.
    """
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise ConfigurationError(f"{path} is not a regular file.")
        if found.st_size > most_bytes:
            raise ConfigurationError(f"{path} is longer than {most_bytes // MIB} MiB.")
        if found.st_size > (free := free_bytes()):
            raise HostNotReadyError(
                f"{path} is {found.st_size // MIB} MiB, and this host has {free // MIB} MiB of memory free."
            )
        with open(fd, "rb", closefd=False) as file:
            data = file.read(found.st_size + 1)
    finally:
        os.close(fd)
    if len(data) != found.st_size:
        raise ConfigurationError(f"{path} changed while it was read.")
    return data


def file_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file in hex, or None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None
