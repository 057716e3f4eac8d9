"""When a private challenge was exported, noted beside it: who has an export can retrain networks at home."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from runner.challenge.layout import EXPORTS_FILE
from runner.errors import HostNotReadyError
from runner.files import read_stored_file, write_atomic

_MAX_BYTES: Final = 1 << 20


def note_export(folder: Path, at: datetime) -> None:
    """Note that the challenge in a folder is exported.

    Args:
        folder: Of the challenge.
        at: The present moment.

    Raises:
        HostNotReadyError: it cannot be noted.
    """
    file = folder / EXPORTS_FILE
    try:
        before = read_stored_file(file, max_bytes=_MAX_BYTES) if file.exists() else b""
        write_atomic(file, before + f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}\n".encode())
    except OSError as error:
        raise HostNotReadyError(
            f"{file} cannot be written, where exports of the challenge are noted: {error.strerror or error}."
        ) from error


def noted_exports(folder: Path) -> list[str]:
    """Return when the challenge in a folder was exported, such as ``2026-12-01T09:00:00Z``, the first first.

    Args:
        folder: Of the challenge.

    Raises:
        HostNotReadyError: the note cannot be read.
    """
    file = folder / EXPORTS_FILE
    try:
        text = read_stored_file(file, max_bytes=_MAX_BYTES).decode(errors="replace")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise HostNotReadyError(f"{file} cannot be read: {error.strerror or error}.") from error
    return text.split()
