"""How a network is trained, as a value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """SGD with Nesterov momentum and a one-cycle-like schedule."""

    epochs: int
    batch_size: int
    learning_rate: float
    """At its peak; it climbs linearly over the first fifth and then falls along a cosine."""
    momentum: float
    weight_decay: float
