"""Where the files of a store are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationPaths:
    """Where the files of one evaluation are."""

    folder: Path

    def checkpoint(self, index: int) -> Path:
        """Return the place of an unlearned checkpoint."""
        return self.folder / "checkpoints" / f"{index:05d}.safetensors"

    def outputs(self, index: int) -> Path:
        """Return the place of a run's outputs."""
        return self.folder / "outputs" / f"{index:05d}.npz"

    def log(self, index: int) -> Path:
        """Return the place of what a run printed."""
        return self.folder / "logs" / f"{index:05d}.txt"

    @property
    def summary(self) -> Path:
        """Return the place of the summary."""
        return self.folder / "summary.json"

    @property
    def manifest(self) -> Path:
        """Return the place of the manifest."""
        return self.folder / "manifest.json"
