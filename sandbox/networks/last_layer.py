"""The input of a network's last linear layer: its features of an image."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class LastLayer:
    """Observes the inputs of the last linear layer that returned one number for each class.

    Use as a context manager: leaving removes the hooks.
    """

    def __init__(self, net: nn.Module, classes: int) -> None:
        """Prepare; nothing is observed yet."""
        self._layers = [
            layer for layer in net.modules() if isinstance(layer, nn.Linear) and layer.out_features == classes
        ]
        self._handles: list[Any] = []
        self._features: Tensor | None = None

    def __enter__(self) -> LastLayer:
        """Begin to observe."""
        self._handles = [layer.register_forward_hook(self._hook) for layer in self._layers]
        return self

    def __exit__(self, *_error: object) -> None:
        """Remove the hooks."""
        for handle in self._handles:
            handle.remove()

    def take(self) -> Tensor | None:
        """Return the features of the batch that was computed last, and forget them.

        Returns:
            Float32 [images, features], or None if no such layer was called.
        """
        features, self._features = self._features, None
        return None if features is None else features.float()

    def _hook(self, _layer: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:  # noqa: ANN401 - torch's
        features = inputs[0] if inputs else None
        if isinstance(features, Tensor) and features.ndim == 2 and output.ndim == 2:
            self._features = features


@torch.inference_mode()
def has_features(net: nn.Module, images: Tensor, classes: int) -> bool:
    """Return whether the input of a last linear layer can be observed.

    Args:
        net: In any mode; it is in eval mode afterwards.
        images: A few of them, on its device.
        classes: Number of classes.
    """
    net.eval()
    with LastLayer(net, classes) as layer:
        net(images)
        features = layer.take()
    return features is not None and len(features) == len(images)
