"""Archives of submissions in the folder of a store, each under the hash of its bytes."""

from __future__ import annotations

from pathlib import Path

from runner.files import file_sha256, write_atomic


def archive_path(store: Path, submission_sha256: str) -> Path:
    """Return the path of a submission's archive, in the folder of a store."""
    return store / "submissions" / f"{submission_sha256}.zip"


def store_archive(store: Path, archive: bytes, *, sha256: str) -> None:
    """Write a submission's archive, unless an intact copy is stored already.

    Raises:
        HostNotReadyError: it cannot be written.
    """
    file = archive_path(store, sha256)
    if file_sha256(file) != sha256:
        write_atomic(file, archive)
