"""A training as bytes, from which another process goes on to the same weights, bit for bit.

Between two epochs that is: the weights, what the optimiser remembers, the best epoch's weights so far,
and the generators that orders of batches and dropout are drawn from. What a network of an organizer's
own keeps outside of its state dict is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from sandbox.trainer.best_epoch import Best
from sandbox.trainer.pace import Pace

_NET, _OPTIMIZER, _BEST, _ORDER = "net/", "optimizer/", "best/", "order/"
_RANDOM, _RANDOM_OF_GPU, _EPOCHS = "random", "random of gpu", "epochs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What changes from epoch to epoch."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    best: Best | None
    orders: Sequence[torch.Generator]
    device: torch.device

    def to_bytes(self, epochs: int) -> bytes:
        """Return a snapshot; ``epochs`` are done."""
        tensors = _prefixed(_NET, self.net.state_dict())
        for place, state in self.optimizer.state_dict()["state"].items():
            tensors |= _prefixed(f"{_OPTIMIZER}{place}/", state)
        if self.best is not None:
            tensors |= _prefixed(_BEST, self.best.parts())
        tensors |= {f"{_ORDER}{place}": order.get_state() for place, order in enumerate(self.orders)}
        tensors[_RANDOM] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors[_RANDOM_OF_GPU] = torch.cuda.get_rng_state(self.device)
        # Copies, since tied weights share their memory and the format knows of no sharing.
        plain = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
        plain[_EPOCHS] = torch.tensor(epochs)
        made: bytes = safetensors.torch.save(plain)
        return made

    def go_on_from(self, snapshot: bytes) -> int:
        """Become what a training was, and return how many epochs it had done."""
        tensors = safetensors.torch.load(snapshot)
        self.net.load_state_dict(_under(_NET, tensors))
        self.optimizer.load_state_dict(
            {
                "state": self._optimizers_state(_under(_OPTIMIZER, tensors)),
                "param_groups": self.optimizer.state_dict()["param_groups"],
            }
        )
        if self.best is not None:
            self.best.go_on_from(_under(_BEST, tensors))
        for place, order in enumerate(self.orders):
            order.set_state(tensors[f"{_ORDER}{place}"])
        torch.set_rng_state(tensors[_RANDOM])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors[_RANDOM_OF_GPU], self.device)
        return int(tensors[_EPOCHS])

    def _optimizers_state(self, tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Any]]:
        """Return it by parameter; what is shaped like one lies in memory as it does."""
        parameters = [one for group in self.optimizer.param_groups for one in group["params"]]
        state: dict[int, dict[str, Any]] = {}
        for path, tensor in tensors.items():
            place, _slash, name = path.partition("/")
            parameter = parameters[int(place)]
            if tensor.shape == parameter.shape and name != "step":
                tensor = torch.empty_like(parameter).copy_(tensor)  # noqa: PLW2901 - the same, in its place
            state.setdefault(int(place), {})[name] = tensor
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Where snapshots of one training come from and go to."""

    earlier: bytes | None
    """The last that an interrupted training wrote."""
    write: Callable[[bytes], None]
    pace: Pace
    alone: AbstractContextManager[Any]
    """Held while one is made and written."""

    def offer(self, training: Training, epochs: int) -> None:
        """Write one if it is time; ``epochs`` are done."""
        if self.pace.is_due():
            with self.alone:
                self.pace.write(lambda: self.write(training.to_bytes(epochs)))


def in_pieces(snapshot: bytes, most_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """Yield it cut into pieces, each with whether it is the last."""
    for begin in range(0, len(snapshot), most_bytes):
        yield snapshot[begin : begin + most_bytes], begin + most_bytes >= len(snapshot)


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)}
