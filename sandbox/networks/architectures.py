"""Architectures by name: built-in small networks, torchvision's classifiers, an organizer's own file.

The built-in networks are written for ``models`` networks at a time: each convolution has one group per
network, and the first axis of every parameter holds the networks one after another. With one network, it is
the ordinary module that a submission receives; with many, it trains the references
(`sandbox.networks.stacking` converts between the two). No operation mixes networks, so a stacked network
computes what each would compute alone, up to the order of float additions. torchvision's ``resnet18`` is
converted into such a network layer by layer (`sandbox.networks.stacked_layers`). No other architecture can
be stacked.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from sandbox.networks import custom
from sandbox.networks.stacked_layers import StackedLinear, stack_layers
from sandbox.protocol.architecture_names import unknown_architecture
from sandbox.protocol.jobs import FILE_ARCHITECTURE

STEM_CHANNELS = 16


def _linear(models: int, inputs: int, outputs: int) -> nn.Module:
    return nn.Linear(inputs, outputs) if models == 1 else StackedLinear(models, inputs, outputs)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, added to the input."""

    def __init__(self, models: int, channels: int) -> None:
        """Build a block whose output has the size and channels of its input."""
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
        """Build ``models`` networks as one."""
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
    """A small residual network for images of 8x8 pixels or more: about 9 000 weights."""

    def __init__(self, channels: int, classes: int, models: int = 1) -> None:
        """Build ``models`` networks as one, each for images of ``channels`` channels."""
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


_BUILT_IN: Final[dict[str, Callable[[int, int], nn.Module]]] = {
    "digits": DigitsNet,
    "convnet-1": partial(ConvNet, 1),
    "convnet-3": partial(ConvNet, 3),
}
_STACKABLE_TORCHVISION: Final = frozenset({"resnet18"})
_WITHOUT_AUXILIARY_HEADS: Final[dict[str, Any]] = {"aux_logits": False, "init_weights": True}
_TORCHVISION_OPTIONS: Final = {
    "googlenet": _WITHOUT_AUXILIARY_HEADS,
    "inception_v3": _WITHOUT_AUXILIARY_HEADS,
}


def can_be_stacked(architecture: str) -> bool:
    """Return whether `build` accepts ``models`` above 1."""
    return architecture in _BUILT_IN or architecture in _STACKABLE_TORCHVISION


def memory_format_of(architecture: str) -> torch.memory_format:
    """Return the memory format for a network's images: channels last where it is known to work.

    Any other network may call ``view``, which fails on images in that format.
    """
    return torch.channels_last if can_be_stacked(architecture) else torch.contiguous_format


def prepare(architecture: str, source: str | None = None) -> None:
    """Import what `build` needs, so that processes forked from this one need not.

    Without ``source``, no organizer's file is imported: the zygote must not import one.

    Raises:
        ArchitectureFileError: the organizer's file cannot be used.
    """
    if source is not None:
        custom.load(source)
    elif architecture not in _BUILT_IN and architecture != FILE_ARCHITECTURE:
        importlib.import_module("torchvision")


def build(architecture: str, classes: int, models: int = 1) -> nn.Module:
    """Return an untrained network, or ``models`` of them stacked into one.

    Raises:
        ValueError: no architecture has that name, or it cannot be stacked.
        ArchitectureFileError: the organizer's file does not build a network.
    """
    if architecture in _BUILT_IN:
        return _BUILT_IN[architecture](classes, models)
    if models != 1 and not can_be_stacked(architecture):
        raise ValueError(f"{architecture} cannot be stacked")
    if architecture == FILE_ARCHITECTURE:
        return custom.build_network(classes)
    net = _torchvision(architecture, classes)
    return net if models == 1 else stack_layers(net, models)


def load(architecture: str, classes: int, state: Mapping[str, Tensor]) -> nn.Module:
    """Return a network with these weights, of which it has a copy.

    Raises:
        ValueError: no architecture has that name, or the weights do not fit; the message is one line.
    """
    net = build(architecture, classes)
    try:
        net.load_state_dict(state, strict=True)
    except RuntimeError as error:
        raise ValueError(f"the weights do not fit {architecture}: {' '.join(str(error).split())}") from error
    return net


def _torchvision(architecture: str, classes: int) -> nn.Module:
    from torchvision import models  # noqa: PLC0415 - takes a second, and most challenges do not use it

    if (reason := unknown_architecture(architecture)) is not None:
        raise ValueError(reason)
    options = _TORCHVISION_OPTIONS.get(architecture, {})
    net: nn.Module = models.get_model(architecture, weights=None, num_classes=classes, **options)
    return net
