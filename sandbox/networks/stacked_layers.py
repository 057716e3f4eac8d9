"""An ordinary network turned into many of them side by side, layer by layer.

Each convolution takes one group (or its own number of groups) a network and every parameter's first
axis is the networks side by side, under the names that one network has: so `sandbox.networks.stacking` converts.
Only for networks whose every other operation keeps channels apart and in their order, as ResNet's do.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils import skip_init


class StackedLinear(nn.Module):
    """Many linear layers side by side: [batch, models x in] -> [batch, models x out]."""

    def __init__(self, models: int, inputs: int, outputs: int) -> None:
        """Make room for the weights; `sandbox.networks.stacking` fills them."""
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


def side_by_side(net: nn.Module, models: int) -> nn.Module:
    """Return ``net`` with room for the weights of ``models`` such networks; what it had is gone.

    Raises:
        ValueError: it has a layer with weights of another kind than convolution, batch normalisation, linear.
    """
    for parent in list(net.modules()):
        for name, layer in parent.named_children():
            if any(True for _one in layer.parameters(recurse=False)):
                setattr(parent, name, _widened(layer, models))
    return net


def _widened(layer: nn.Module, models: int) -> nn.Module:
    if isinstance(layer, nn.Conv2d):
        return skip_init(
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
    if isinstance(layer, nn.BatchNorm2d):
        return nn.BatchNorm2d(models * layer.num_features, eps=layer.eps, momentum=layer.momentum)
    if isinstance(layer, nn.Linear) and layer.bias is not None:
        return StackedLinear(models, layer.in_features, layer.out_features)
    raise ValueError(f"{type(layer).__name__} has weights that cannot stand side by side")
