"""Which network of their own does an organizer give? Its text, read and hashed, and never imported here.

It becomes a file of the challenge (`runner.challenge.layout.ARCHITECTURE_FILE`); containers get its text with their job.
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
    """An organizer's own module, as it was read."""

    data: bytes
    text: str

    @property
    def sha256(self) -> str:
        """Return the hash of its bytes."""
        return hashlib.sha256(self.data).hexdigest()


def choose_architecture_file(architecture: str | None, file: Path | None) -> ArchitectureFile | None:
    """Return the file that was named, or None where a name or nothing was.

    Raises:
        ConfigurationError: both were named, a name alone means the file, or the file cannot be used.
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
        ConfigurationError: it cannot be read, is too long, or is not UTF-8.
    """
    if not file.is_file():
        raise ConfigurationError(f"There is no file of a network at {file}.")
    try:
        with file.open("rb") as opened:
            data = opened.read(ARCHITECTURE_BYTES + 1)
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error
    return ArchitectureFile(data=data, text=decode_architecture(data, file))


def decode_architecture(data: bytes, file: Path) -> str:
    """Return a module's text; ``file`` is where it came from.

    Raises:
        ConfigurationError: it is too long, or is not UTF-8.
    """
    if len(data) > ARCHITECTURE_BYTES:
        raise ConfigurationError(f"{file} is larger than {size_text(ARCHITECTURE_BYTES)}.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file} is not UTF-8: byte {error.start} begins no character.") from error
