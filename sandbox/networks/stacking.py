"""Many networks as one: put their weights side by side, and take them apart again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

State = Mapping[str, Tensor]


def stack(states: Sequence[State]) -> dict[str, Tensor]:
    """Return the state dict of the stacked network; scalars (batch counters) are the first's."""
    return {
        name: torch.cat([state[name] for state in states]) if first.ndim else first.clone()
        for name, first in states[0].items()
    }


def unstack(state: State, models: int) -> list[dict[str, Tensor]]:
    """Return the state dicts that `stack` put together, as copies."""
    parts: list[dict[str, Tensor]] = [{} for _ in range(models)]
    for name, tensor in state.items():
        pieces = tensor.chunk(models) if tensor.ndim else [tensor] * models
        for part, piece in zip(parts, pieces, strict=True):
            part[name] = piece.detach().clone(memory_format=torch.contiguous_format)
    return parts


def images_side_by_side(images: Tensor) -> Tensor:
    """Turn [models, batch, channels, h, w] into the stacked network's [batch, models x channels, h, w]."""
    models, batch, channels, *size = images.shape
    return images.transpose(0, 1).reshape(batch, models * channels, *size)
