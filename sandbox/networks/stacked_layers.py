"""Conversion of an ordinary network into a stack of many, layer by layer.

Each convolution gets one group (or its own number of groups) per network, and the first axis of every
parameter holds the networks one after another, under the parameter names of a single network: so
`sandbox.networks.stacking` can convert state dicts. Only for networks whose other operations all keep
channels apart and in their order, as ResNet's do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


class StackedLinear(nn.Module):
    """Many linear layers as one: [batch, models x in] -> [batch, models x out]."""

    def __init__(self, models: int, inputs: int, outputs: int) -> None:
        """Allocate the weights without initial values; `sandbox.networks.stacking` provides them."""
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


def stack_layers(net: nn.Module, models: int) -> nn.Module:
    """Widen ``net`` in place to hold the weights of ``models`` such networks, and return it.

    Its own weights are discarded.

    Raises:
        ValueError: a layer with weights is not a convolution, batch normalisation or linear layer.
    """
    for parent in list(net.modules()):
        for name, layer in parent.named_children():
            if next(layer.parameters(recurse=False), None) is not None:
                setattr(parent, name, _widen(layer, models))
    return net


def _widen(layer: nn.Module, models: int) -> nn.Module:
    if isinstance(layer, nn.Conv2d):
        widened: nn.Module = skip_init(
            nn.Conv2d,
            models * layer.in_channels,
            models * layer.out_channels,
            layer.kernel_size,
            stride=layer.stride,
            padding=layer.padding,
            dilation=layer.dilation,
            groups=models * layer.groups,
            bias=layer.bias is not None,
        )
        return widened
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm2d(models * layer.num_features, eps=layer.eps, momentum=layer.momentum)
    if isinstance(layer, nn.Linear) and layer.bias is not None:
        return StackedLinear(models, layer.in_features, layer.out_features)
    raise ValueError(f"{type(layer).__name__} has weights that cannot be stacked")
