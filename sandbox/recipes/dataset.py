"""A challenge's data as tensors, which the trainer trains on and sends to the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from sandbox.protocol.presets import Preset


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """A challenge's examples, its architecture, and how its networks are trained."""

    architecture: str
    classes: int
    preset: Preset
    splits: Mapping[str, Mapping[str, Tensor]]
    """By name (retain, forget, val, test) and column: ``image`` float32 [n, c, h, w],
    ``label`` int64 [n], and the extra columns of `sandbox.networks.datasets`. Disjoint."""
    class_names: tuple[str, ...] = ()
    """One for each class, or none."""
    notes: tuple[str, ...] = ()
    """What the organizer should know about the data."""
