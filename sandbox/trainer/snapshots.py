"""Snapshots of a training: bytes from which another process resumes to the same weights, bit for bit.

Between two epochs the state consists of the weights, the optimiser's state, the best epoch's weights so far,
and the generators of batch orders and dropout. State that an organizer's own network holds outside its state
dict is not included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from sandbox.trainer.best_epoch import BestEpoch
from sandbox.trainer.snapshot_timer import SnapshotTimer

_NET, _OPTIMIZER, _BEST, _ORDER = "net/", "optimizer/", "best/", "order/"
_RANDOM, _RANDOM_OF_GPU, _EPOCHS = "random", "random of gpu", "epochs"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingState:
    """The objects that change from epoch to epoch."""

    net: nn.Module
    optimizer: torch.optim.Optimizer
    best: BestEpoch | None
    orders: Sequence[torch.Generator]
    """Generator of each network's batch order."""
    device: torch.device

    def to_bytes(self, epochs: int) -> bytes:
        """Return a snapshot, taken after ``epochs`` epochs."""
        tensors = _add_prefix(_NET, self.net.state_dict())
        for index, state in self.optimizer.state_dict()["state"].items():
            tensors |= _add_prefix(f"{_OPTIMIZER}{index}/", state)
        if self.best is not None:
            tensors |= _add_prefix(_BEST, self.best.to_tensors())
        tensors |= {f"{_ORDER}{index}": order.get_state() for index, order in enumerate(self.orders)}
        tensors[_RANDOM] = torch.get_rng_state()
        if self.device.type == "cuda":
            tensors[_RANDOM_OF_GPU] = torch.cuda.get_rng_state(self.device)
        # Copies, since tied weights share their memory and safetensors cannot express sharing.
        copies = {
            name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
            for name, tensor in tensors.items()
        }
        copies[_EPOCHS] = torch.tensor(epochs)
        data: bytes = safetensors.torch.save(copies)
        return data

    def restore(self, snapshot: bytes) -> int:
        """Load a snapshot into the objects, and return after how many epochs it was taken."""
        tensors = safetensors.torch.load(snapshot)
        self.net.load_state_dict(_strip_prefix(_NET, tensors))
        self.optimizer.load_state_dict(
            {
                "state": self._optimizer_state(_strip_prefix(_OPTIMIZER, tensors)),
                "param_groups": self.optimizer.state_dict()["param_groups"],
            }
        )
        if self.best is not None:
            self.best.restore(_strip_prefix(_BEST, tensors))
        for index, order in enumerate(self.orders):
            order.set_state(tensors[f"{_ORDER}{index}"])
        torch.set_rng_state(tensors[_RANDOM])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors[_RANDOM_OF_GPU], self.device)
        return int(tensors[_EPOCHS])

    def _optimizer_state(self, tensors: Mapping[str, Tensor]) -> dict[int, dict[str, Any]]:
        """Return the optimiser's state by parameter; tensors of a parameter's shape get its memory format."""
        parameters = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        state: dict[int, dict[str, Any]] = {}
        for path, tensor in tensors.items():
            index, _slash, name = path.partition("/")
            parameter = parameters[int(index)]
            if tensor.shape == parameter.shape and name != "step":
                tensor = torch.empty_like(parameter).copy_(tensor)  # noqa: PLW2901 - same values, other format
            state.setdefault(int(index), {})[name] = tensor
        return state


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Where a training's snapshots come from and go to."""

    previous: bytes | None
    """The last snapshot of an interrupted training."""
    write: Callable[[bytes], None]
    timer: SnapshotTimer
    lock: AbstractContextManager[Any]
    """Held while a snapshot is taken and written."""

    def write_if_due(self, state: TrainingState, epochs: int) -> None:
        """Write a snapshot if one is due, taken after ``epochs`` epochs."""
        if self.timer.is_due():
            with self.lock:
                self.timer.write(lambda: self.write(state.to_bytes(epochs)))


def split_pieces(snapshot: bytes, max_bytes: int) -> Iterator[tuple[bytes, bool]]:
    """Yield the pieces of a snapshot, each with whether it is the last."""
    for start in range(0, len(snapshot), max_bytes):
        yield snapshot[start : start + max_bytes], start + max_bytes >= len(snapshot)


def _add_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def _strip_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors whose name has the prefix, by the rest of their name."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
