"""Networks that are trained at the same time but computed apart, in place of one stacked network.

A stack of convolutional networks is computed by grouped convolutions, which some devices are slow at. Here
every network is a module of its own, and on a GPU each has a stream of its own, so that their kernels may be
executed at the same time; autograd executes the backward pass on the same streams. The interface is that of a
stack (`sandbox.networks.stacking`): images in, logits out, and its state dict is the stacked one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import torch
from torch import Tensor, nn

from sandbox.networks.stacking import stack, unstack


class SideBySide(nn.Module):
    """Some networks of one architecture, each on its part of the channels of an image."""

    def __init__(self, networks: Iterable[nn.Module], memory_format: torch.memory_format) -> None:
        """Take over the networks.

        Args:
            networks: At least one.
            memory_format: In which each network gets its images.
        """
        super().__init__()
        self.networks = nn.ModuleList(networks)
        self._memory_format = memory_format
        self._streams: Sequence[torch.cuda.Stream] = ()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits [batch, networks x classes] of images [batch, networks x channels, h, w]."""
        parts = images.chunk(len(self.networks), dim=1)
        if not images.is_cuda:
            return torch.cat([self._logits(number, part) for number, part in enumerate(parts)], dim=1)
        if not self._streams:
            self._streams = [torch.cuda.Stream(images.device) for _ in parts]
        current = torch.cuda.current_stream(images.device)
        logits = []
        for number, (part, stream) in enumerate(zip(parts, self._streams, strict=True)):
            stream.wait_stream(current)
            with torch.cuda.stream(stream):
                logits.append(self._logits(number, part))
        for stream in self._streams:
            current.wait_stream(stream)
        return torch.cat(logits, dim=1)

    def _logits(self, number: int, images: Tensor) -> Tensor:
        logits: Tensor = self.networks[number](images.contiguous(memory_format=self._memory_format))
        return logits

    def state_dict(self) -> dict[str, Tensor]:  # type: ignore[override]  # without torch's options
        """Return the state dict that a stack of these networks would have."""
        return stack([network.state_dict() for network in self.networks])

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:  # type: ignore[override]
        """Load the state dict of a stack."""
        for network, part in zip(self.networks, unstack(state, len(self.networks)), strict=True):
            network.load_state_dict(part)
