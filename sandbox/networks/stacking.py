"""Conversion between the state dicts of many networks and that of one stacked network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

State = Mapping[str, Tensor]


def stack(states: Sequence[State]) -> dict[str, Tensor]:
    """Return the state dict of the stacked network; scalars (batch counters) are those of the first."""
    return {
        name: torch.cat([state[name] for state in states]) if first.ndim else first.clone()
        for name, first in states[0].items()
    }


def unstack(state: State, models: int) -> list[dict[str, Tensor]]:
    """Return the state dicts that `stack` joined, as copies."""
    parts: list[dict[str, Tensor]] = [{} for _ in range(models)]
    for name, tensor in state.items():
        pieces = tensor.chunk(models) if tensor.ndim else [tensor] * models
        for part, piece in zip(parts, pieces, strict=True):
            part[name] = piece.detach().clone(memory_format=torch.contiguous_format)
    return parts


def stack_images(images: Tensor) -> Tensor:
    """Reshape [models, batch, channels, h, w] to the stacked network's [batch, models x channels, h, w]."""
    models, batch, channels, *size = images.shape
    return images.transpose(0, 1).reshape(batch, models * channels, *size)
