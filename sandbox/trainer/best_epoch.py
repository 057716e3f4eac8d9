"""Which epoch's weights does each network end with?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from sandbox.networks.stacking import images_side_by_side

_BATCH: Final = 256
_STATE, _MOST = "state/", "most"


@torch.no_grad()
def right_answers(
    net: nn.Module, split: Mapping[str, Tensor], models: int, layout: torch.memory_format
) -> Tensor:
    """Return how many examples of a split each of the stacked networks gets right. Int64 [models].

    An answer with a number that is not finite is wrong. The networks come back in train mode.
    """
    net.eval()
    correct = torch.zeros(models, dtype=torch.int64, device=split["image"].device)
    batches = zip(split["image"].split(_BATCH), split["label"].split(_BATCH), strict=True)
    for images, labels in batches:
        stacked = images_side_by_side(images.expand(models, *images.shape))
        logits = net(stacked.contiguous(memory_format=layout)).reshape(len(labels), models, -1)
        right = (logits.argmax(dim=2) == labels[:, None]) & logits.isfinite().all(dim=2)
        correct += right.sum(dim=0)
    net.train()
    return correct


class Best:
    """What each of the stacked networks was after the epoch that was best on val, ties to the earliest.

    Counters of batches, of which a stack has one for all networks, are those of the whole training.
    """

    def __init__(
        self, net: nn.Module, val: Mapping[str, Tensor], models: int, layout: torch.memory_format
    ) -> None:
        self._net, self._val, self._models, self._layout = net, val, models, layout
        self._state: dict[str, Tensor] = {}
        self._most = torch.full((models,), -1, dtype=torch.int64, device=val["image"].device)

    def look(self) -> None:
        """See whether this epoch is any network's best so far."""
        correct = right_answers(self._net, self._val, self._models, self._layout)
        better = correct > self._most
        self._most = torch.where(better, correct, self._most)
        for name, tensor in self._net.state_dict().items():
            is_counter = not tensor.ndim and not tensor.is_floating_point()
            if name not in self._state:
                self._state[name] = tensor.clone()
            elif is_counter or (self._models == 1 and bool(better)):
                self._state[name].copy_(tensor)
            elif self._models > 1:
                theirs = (self._models, -1)
                self._state[name].unflatten(0, theirs)[better] = tensor.unflatten(0, theirs)[better]

    def state(self) -> dict[str, Tensor]:
        """Return the state dict of the stack of all the best."""
        return self._state

    def parts(self) -> dict[str, Tensor]:
        """Return all that this remembers, for `go_on_from`."""
        return {f"{_STATE}{name}": tensor for name, tensor in self._state.items()} | {_MOST: self._most}

    def go_on_from(self, parts: Mapping[str, Tensor]) -> None:
        """Remember what `parts` returned."""
        self._most.copy_(parts[_MOST])
        self._state = {
            name: torch.empty_like(tensor).copy_(parts[f"{_STATE}{name}"])
            for name, tensor in self._net.state_dict().items()
            if f"{_STATE}{name}" in parts
        }
