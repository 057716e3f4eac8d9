"""The architectures, by name.

An architecture is written once for ``models`` networks at a time: convolutions take one
group a network and every parameter's first axis is the networks side by side. With one
network it is the ordinary module that a submission receives; with many it trains the
references (`sandbox.stack` converts). No operation mixes networks, so a stacked network
computes what it would alone, up to the order of float additions.

``resnet18`` is torchvision's and stands alone: its references are trained one at a time.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
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


class ConvNet(nn.Module):
    """A small residual network for images of any size from 8x8 on: about 9 000 weights."""

    def __init__(self, channels: int, classes: int, models: int = 1) -> None:
        """Build ``models`` networks side by side, each for images of ``channels``."""
        super().__init__()
        first, second = models * STEM_CHANNELS, models * 2 * STEM_CHANNELS
        self.conv1 = nn.Conv2d(models * channels, first, 3, stride=2, padding=1, groups=models, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.layer1 = ResidualBlock(models, STEM_CHANNELS)
        self.conv2 = nn.Conv2d(first, second, 3, padding=1, groups=models, bias=False)
        self.bn2 = nn.BatchNorm2d(second)
        self.fc = _linear(models, 2 * STEM_CHANNELS * 4, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Map [batch, models x channels, h, w] to logits [batch, models x classes]."""
        hidden = self.layer1(functional.relu(self.bn1(self.conv1(image))))
        hidden = functional.relu(self.bn2(self.conv2(functional.max_pool2d(hidden, 2))))
        logits: Tensor = self.fc(functional.adaptive_avg_pool2d(hidden, 2).flatten(1))
        return logits


def _resnet18(classes: int, models: int) -> nn.Module:
    if models != 1:
        raise ValueError("resnet18 cannot be stacked")
    from torchvision.models import resnet18  # noqa: PLC0415 - takes a second, and most challenges need none

    return resnet18(weights=None, num_classes=classes)


_BUILDERS: Final[dict[str, Callable[[int, int], nn.Module]]] = {
    "digits": DigitsNet,
    "convnet-1": partial(ConvNet, 1),
    "convnet-3": partial(ConvNet, 3),
    "resnet18": _resnet18,
}
_ALONE: Final = frozenset({"resnet18"})


def can_be_stacked(architecture: str) -> bool:
    """Return whether `build` takes ``models`` above 1."""
    return architecture not in _ALONE


def prepare(architecture: str) -> None:
    """Import what `build` will take, so that processes forked from this one need not."""
    if architecture in _ALONE:
        importlib.import_module("torchvision")


def build(architecture: str, classes: int, models: int = 1) -> nn.Module:
    """Return an untrained network, or ``models`` of them side by side.

    Raises:
        ValueError: no architecture has that name.
    """
    if architecture not in _BUILDERS:
        raise ValueError(f"no architecture {architecture!r}; there are {', '.join(_BUILDERS)}")
    return _BUILDERS[architecture](classes, models)
