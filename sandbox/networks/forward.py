"""Batches of images, of a size that depends on the images alone, and a checked forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import torch
from torch import Tensor, nn

_MAX_BATCH: Final = 4096
_BATCH_BYTES: Final = 3 << 19
"""On a CPU. Larger batches of images do not fit its caches: see benchmarks/README.md."""
_GPU_BATCH_BYTES: Final = 64 << 20
"""On a GPU: the activations between a network's layers take a multiple of it."""


class Forward:
    """Computes the logits of one network, batch by batch."""

    def __init__(
        self,
        net: nn.Module,
        classes: int,
        memory_format: torch.memory_format,
        on_batch: Callable[[], None] = lambda: None,
    ) -> None:
        """Compute in the mode that the network is in.

        Args:
            net: On the device of the images.
            classes: Number of classes of the head.
            memory_format: Of the images; used on a CPU only.
            on_batch: Called before each batch is computed.
        """
        self.net, self.classes = net, classes
        self._memory_format, self._on_batch = memory_format, on_batch

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits of one batch. Float32 [images, classes].

        Raises:
            ValueError: the network's answer has another shape.
        """
        self._on_batch()
        if images.device.type == "cpu":
            images = images.contiguous(memory_format=self._memory_format)
        answer: Tensor = self.net(images)
        if answer.shape != (len(images), self.classes):
            raise ValueError(
                f"logits are {[*answer.shape]} for {len(images)} images and {self.classes} classes"
            )
        return answer.float()


def batches(images: Tensor) -> Iterator[Tensor]:
    """Yield images [examples, ...] in batches of the size that their device is fastest with."""
    yield from images.split(batch_size(images))


def batch_size(images: Tensor) -> int:
    """Return how many of such images make a batch."""
    max_bytes = _BATCH_BYTES if images.device.type == "cpu" else _GPU_BATCH_BYTES
    return max(1, min(_MAX_BATCH, max_bytes // (images[0].numel() * images.element_size())))
