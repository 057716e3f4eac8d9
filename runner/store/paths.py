"""The paths of an evaluation's files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


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
