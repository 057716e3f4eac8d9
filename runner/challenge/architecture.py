"""An organizer's own network: the text of its module, read and hashed but never imported here.

The module becomes a file of the challenge (`runner.challenge.layout.ARCHITECTURE_FILE`); containers receive
its text with their job.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from runner.errors import ConfigurationError
from runner.units import size_text
from sandbox.protocol.jobs import ARCHITECTURE_BYTES, FILE_ARCHITECTURE


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchitectureFile:
    """An organizer's own module."""

    data: bytes
    text: str

    @property
    def sha256(self) -> str:
        """Return the hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def choose_architecture_file(architecture: str | None, file: Path | None) -> ArchitectureFile | None:
    """Return the organizer's file, or None where the network is chosen by name or not at all.

    Raises:
        ConfigurationError: both are given, the name requires a file, or the file cannot be used.
    """
    if file is None:
        if architecture == FILE_ARCHITECTURE:
            raise ConfigurationError("Name the file of your network with --architecture-file.")
        return None
    if architecture is not None:
        raise ConfigurationError("Give --architecture or --architecture-file, not both.")
    return read_architecture_file(file)


def read_architecture_file(file: Path) -> ArchitectureFile:
    """Return an organizer's module.

    Raises:
        ConfigurationError: it cannot be read, is too large, or is not UTF-8.
    """
    if not file.is_file():
        raise ConfigurationError(f"No file of a network exists at {file}.")
    try:
        with file.open("rb") as opened:
            data = opened.read(ARCHITECTURE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    return ArchitectureFile(data=data, text=decode_architecture(data, file))


def decode_architecture(data: bytes, file: Path) -> str:
    """Return a module's text; ``file`` is its path, for messages.

    Raises:
        ConfigurationError: it is too large, or is not UTF-8.
    """
    if len(data) > ARCHITECTURE_BYTES:
        raise ConfigurationError(f"{file} is larger than {size_text(ARCHITECTURE_BYTES)}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{file} is not UTF-8: byte {error.start} is not the start of a character."
        ) from error
