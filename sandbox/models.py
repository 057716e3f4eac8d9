"""The architectures, by name.

An architecture is written once for ``models`` networks at a time: convolutions take one
group a network and every parameter's first axis is the networks side by side. With one
network it is the ordinary module that a submission receives; with many it trains the
references (`sandbox.stack` converts). No operation mixes networks, so a stacked network
computes what it would alone, up to the order of float additions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

STEM_CHANNELS = 16


class StackedLinear(nn.Module):
    """Many linear layers side by side: [batch, models x in] -> [batch, models x out]."""

    def __init__(self, models: int, inputs: int, outputs: int) -> None:
        """Make room for the weights; `sandbox.stack` fills them."""
        super().__init__()
        self.models = models
        self.weight = nn.Parameter(torch.empty(models * outputs, inputs))
        self.bias = nn.Parameter(torch.empty(models * outputs))

    def forward(self, features: Tensor) -> Tensor:
        """Apply each network's layer to that network's features."""
        inputs = features.view(features.shape[0], self.models, -1).transpose(0, 1)
        weight = self.weight.view(self.models, -1, self.weight.shape[1]).transpose(1, 2)
        bias = self.bias.view(self.models, 1, -1)
        return torch.baddbmm(bias, inputs, weight).transpose(0, 1).reshape(features.shape[0], -1)


def _linear(models: int, inputs: int, outputs: int) -> nn.Module:
    return nn.Linear(inputs, outputs) if models == 1 else StackedLinear(models, inputs, outputs)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, added to what came in."""

    def __init__(self, models: int, channels: int) -> None:
        """Keep size and channels."""
        super().__init__()
        width = models * channels
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, groups=models, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, groups=models, bias=False)
        self.bn2 = nn.BatchNorm2d(width)

    def forward(self, image: Tensor) -> Tensor:
        """Return an image of the same shape."""
        hidden = functional.relu(self.bn1(self.conv1(image)))
        return functional.relu(image + self.bn2(self.conv2(hidden)))


class DigitsNet(nn.Module):
    """A small residual network for one-channel 8x8 images: stem, one block, linear head."""

    def __init__(self, classes: int, models: int = 1) -> None:
        """Build ``models`` networks side by side."""
        super().__init__()
        width = models * STEM_CHANNELS
        self.conv1 = nn.Conv2d(models, width, 3, stride=2, padding=1, groups=models, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.layer1 = ResidualBlock(models, STEM_CHANNELS)
        self.fc = _linear(models, STEM_CHANNELS * 4, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map [batch, models, 8, 8] to logits [batch, models x classes]."""
        hidden = self.layer1(functional.relu(self.bn1(self.conv1(image))))
        pooled: Tensor = functional.max_pool2d(hidden, 2)
        logits: Tensor = self.fc(pooled.flatten(1))
        return logits


_BUILDERS: Final[dict[str, Callable[[int, int], nn.Module]]] = {"digits": DigitsNet}


def build(architecture: str, classes: int, models: int = 1) -> nn.Module:
    """Return an untrained network, or ``models`` of them side by side.

    Raises:
        ValueError: no architecture has that name.
    """
    if architecture not in _BUILDERS:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(_BUILDERS)}")
    return _BUILDERS[architecture](classes, models)
