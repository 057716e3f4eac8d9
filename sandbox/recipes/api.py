"""Interface of every recipe: its input `Request`, its result `Draft`, its error `RecipeError`.

Recipes use NumPy and not torch: `sandbox.recipes.assemble` converts their drafts to tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.clutter import is_clutter
from sandbox.protocol.presets import Preset

Rows = NDArray[np.int64]
Splits = Mapping[str, Rows]
Images = NDArray[Any]
"""Bytes or floats. Shape [n, channels, h, w]."""


class RecipeError(ValueError):
    """The data cannot satisfy the request; the message gives the reason, with file and row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Input of a recipe."""

    seed: int
    forget_fraction: float
    """Share of the training examples to forget."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The organizer's files by their path below the data folder, with slashes."""
    max_examples: int | None = None
    """Maximum number of examples in all splits together; None takes all."""
    shared_persons: bool = False
    """Whether a person may be in several splits; never in both retain and forget."""
    architecture: str | None = None
    """Replaces the recipe's own choice."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """Changes to the recipe's own choice, as `sandbox.protocol.presets.resolve_preset` takes them."""
    epochs: int | None = None
    """Replaces the number of epochs of the training."""

    def __post_init__(self) -> None:
        """Leave out the files that file managers add: no recipe sees them."""
        files = {name: data for name, data in self.files.items() if not is_clutter(name)}
        object.__setattr__(self, "files", files)


def to_unit_range(images: Images) -> NDArray[np.float32]:
    """Return bytes as numbers from 0 to 1; floats keep their values."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return images.astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """Result of a recipe: all examples, and the rows of each split."""

    architecture: str
    """The recipe's own choice, which the request may replace."""
    classes: int
    preset: Preset
    """How to train: the recipe's own choice, which the request may change."""
    images: Images
    labels: Rows
    splits: Splits
    """Rows of retain, forget, val and test."""
    class_names: tuple[str, ...] = ()
    """One for each class, or none."""
    extra: Mapping[str, Rows] = field(default_factory=dict)
    """Optional columns of `sandbox.networks.datasets`, each of shape [n]."""
    notes: tuple[str, ...] = ()
    """What the organizer should know about the data, such as files that were not read."""
    to_float: Callable[[Images], NDArray[np.float32]] = to_unit_range
    """Converts the images of one split."""
