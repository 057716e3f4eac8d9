"""What every recipe is asked, what it returns, and how it refuses.

Recipes know NumPy and not torch: `sandbox.recipes.assemble` makes tensors of their drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sandbox.protocol.presets import Preset

Rows = NDArray[np.int64]
Splits = Mapping[str, Rows]
Images = NDArray[Any]
"""Of bytes or of floats. Shape [n, channels, h, w]."""


class RecipeError(ValueError):
    """The data do not allow what was asked for; the text says why, naming file and row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a recipe is asked for."""

    seed: int
    forget_fraction: float
    """Of the training examples."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """The organizer's files by their path below the folder that was named, with slashes."""
    most_examples: int | None = None
    """Take at most so many, all splits together; None takes all."""
    shared_persons: bool = False
    """Whether a person may be in several splits; never in both retain and forget."""
    architecture: str | None = None
    """In place of the recipe's own choice."""
    training: Mapping[str, Any] = field(default_factory=dict)
    """A choice in place of the recipe's own, as `sandbox.protocol.presets.resolve_preset` takes it."""
    epochs: int | None = None
    """In place of what the training says."""


def unit_range(images: Images) -> NDArray[np.float32]:
    """Return bytes as numbers from 0 to 1; what is float already stays as it is."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return images.astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A recipe's answer: all examples there are, and which go where."""

    architecture: str
    """The recipe's own choice, as is the next but one."""
    classes: int
    preset: Preset
    images: Images
    labels: Rows
    splits: Splits
    """Rows of retain, forget, val and test."""
    extra: Mapping[str, Rows] = field(default_factory=dict)
    """Further columns of `sandbox.networks.datasets`, each of shape [n]."""
    to_float: Callable[[Images], NDArray[np.float32]] = unit_range
    """What becomes of the images, one split at a time."""
