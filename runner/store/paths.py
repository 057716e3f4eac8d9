"""The paths of the files in a store's folder, and the archives of submissions, each under its hash."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runner.files import file_sha256, write_atomic


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPaths:
    """The paths of one evaluation's files."""

    folder: Path

    def checkpoint(self, index: int) -> Path:
        """Return the path of a run's checkpoint."""
        return self.folder / "checkpoints" / f"{index:05d}.safetensors"

    def outputs(self, index: int) -> Path:
        """Return the path of a run's outputs."""
        return self.folder / "outputs" / f"{index:05d}.npz"

    def log(self, index: int) -> Path:
        """Return the path of a run's log."""
        return self.folder / "logs" / f"{index:05d}.txt"

    @property
    def summary(self) -> Path:
        """Return the path of the summary."""
        return self.folder / "summary.json"

    @property
    def card(self) -> Path:
        """Return the path of the score card."""
        return self.folder / "card.json"

    @property
    def manifest(self) -> Path:
        """Return the path of the manifest."""
        return self.folder / "manifest.json"


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
