"""Selection of the epoch whose weights each network ends with: the best by validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from sandbox.networks.stacking import stack_images

_BATCH: Final = 256
_STATE, _MAX_CORRECT = "state/", "most"
"""Names of tensors in a snapshot."""


@torch.no_grad()
def count_correct(
    net: nn.Module, split: Mapping[str, Tensor], models: int, memory_format: torch.memory_format
) -> Tensor:
    """Return how many examples of a split each of the stacked networks classifies correctly. Int64 [models].

    An answer that contains a non-finite number is wrong. The networks are in train mode afterwards.
    """
    net.eval()
    correct = torch.zeros(models, dtype=torch.int64, device=split["image"].device)
    batches = zip(split["image"].split(_BATCH), split["label"].split(_BATCH), strict=True)
    for images, labels in batches:
        stacked = stack_images(images.expand(models, *images.shape))
        logits = net(stacked.contiguous(memory_format=memory_format)).reshape(len(labels), models, -1)
        is_correct = (logits.argmax(dim=2) == labels[:, None]) & logits.isfinite().all(dim=2)
        correct += is_correct.sum(dim=0)
    net.train()
    return correct


class BestEpoch:
    """The state of each stacked network after its best epoch on val; of equally good epochs, the earliest.

    Batch counters, of which a stack has one for all networks, are those of the whole training.
    """

    def __init__(
        self, net: nn.Module, val: Mapping[str, Tensor], models: int, memory_format: torch.memory_format
    ) -> None:
        self._net, self._val, self._models, self._memory_format = net, val, models, memory_format
        self._state: dict[str, Tensor] = {}
        self._max_correct = torch.full((models,), -1, dtype=torch.int64, device=val["image"].device)

    def update(self) -> None:
        """Store the present state of each network for which this epoch is the best so far."""
        correct = count_correct(self._net, self._val, self._models, self._memory_format)
        better = correct > self._max_correct
        self._max_correct = torch.where(better, correct, self._max_correct)
        for name, tensor in self._net.state_dict().items():
            is_counter = not tensor.ndim and not tensor.is_floating_point()
            if name not in self._state:
                self._state[name] = tensor.clone()
            elif is_counter or (self._models == 1 and bool(better)):
                self._state[name].copy_(tensor)
            elif self._models > 1:
                sizes = (self._models, -1)
                self._state[name].unflatten(0, sizes)[better] = tensor.unflatten(0, sizes)[better]

    def state_dict(self) -> dict[str, Tensor]:
        """Return the state dict of the stack of all the best networks."""
        return self._state

    def to_tensors(self) -> dict[str, Tensor]:
        """Return the tensors that `restore` needs."""
        return {f"{_STATE}{name}": tensor for name, tensor in self._state.items()} | {
            _MAX_CORRECT: self._max_correct
        }

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Load what `to_tensors` returned."""
        self._max_correct.copy_(tensors[_MAX_CORRECT])
        self._state = {
            name: torch.empty_like(tensor).copy_(tensors[f"{_STATE}{name}"])
            for name, tensor in self._net.state_dict().items()
            if f"{_STATE}{name}" in tensors
        }
