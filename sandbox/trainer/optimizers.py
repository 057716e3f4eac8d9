"""Optimisers and class weights of a preset."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from sandbox.protocol.presets import Preset


class CapturableSGD(torch.optim.Optimizer):
    """SGD whose learning rate is a tensor, so that a recorded step follows the schedule.

    torch.optim.SGD accepts such a rate too, but copies it to the host at every step, which a CUDA
    graph cannot contain. The arithmetic is the same.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: Tensor,
        momentum: float,
        weight_decay: float,
        nesterov: bool,
    ) -> None:
        """Take torch.optim.SGD's arguments; buffers start at zero, which is the same after one step."""
        super().__init__(parameters, {"lr": lr})
        self._parameters: list[nn.Parameter] = [
            weight for group in self.param_groups for weight in group["params"]
        ]
        for weight in self._parameters if momentum else ():
            self.state[weight] = {"momentum_buffer": torch.zeros_like(weight)}
        self._momentum, self._weight_decay, self._nesterov = momentum, weight_decay, nesterov

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # without torch's closure, which nothing here uses
        """Move every parameter that has a gradient along it."""
        weights: list[Tensor] = [weight for weight in self._parameters if weight.grad is not None]
        moves: list[Tensor] | tuple[Tensor, ...] = [
            weight.grad for weight in weights if weight.grad is not None
        ]
        if self._weight_decay:
            moves = torch._foreach_add(moves, weights, alpha=self._weight_decay)
        if self._momentum:
            buffers = [self.state[weight]["momentum_buffer"] for weight in weights]
            torch._foreach_mul_(buffers, self._momentum)
            torch._foreach_add_(buffers, moves)
            moves = torch._foreach_add(moves, buffers, alpha=self._momentum) if self._nesterov else buffers
        torch._foreach_sub_(weights, torch._foreach_mul(moves, self.param_groups[0]["lr"]))


def build_optimizer(net: nn.Module, preset: Preset, *, capturable: bool = False) -> torch.optim.Optimizer:
    """Return the optimiser of a preset.

    Args:
        net: On the device where it will be trained.
        preset: Names the optimiser and its options.
        capturable: Whether its steps will be recorded: its learning rate is then a tensor on the device.
    """
    parameters = list(net.parameters())
    device = parameters[0].device
    rate = torch.tensor(preset.learning_rate, device=device) if capturable else preset.learning_rate
    if preset.optimizer == "adam":
        on_gpu = capturable and device.type == "cuda"  # Adam is capturable on a GPU only
        return torch.optim.Adam(
            parameters,
            lr=rate,
            weight_decay=preset.weight_decay,
            capturable=on_gpu,
            foreach=True if on_gpu else None,
        )
    if isinstance(rate, Tensor):
        return CapturableSGD(
            parameters,
            lr=rate,
            momentum=preset.momentum,
            weight_decay=preset.weight_decay,
            nesterov=preset.nesterov,
        )
    return torch.optim.SGD(
        parameters,
        lr=rate,
        momentum=preset.momentum,
        weight_decay=preset.weight_decay,
        nesterov=preset.nesterov,
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Change the learning rate; a rate that is a tensor is changed in place."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def class_weights(preset: Preset, labels: Tensor, classes: int) -> Tensor | None:
    """Return the weight of each class in the loss, or None where all weigh alike.

    Returns:
        Float32 [classes]: the inverse of how often a class occurs in ``labels``, scaled to a mean of 1 over
        the classes that occur; 0 for the others.
    """
    if preset.class_weights == "none":
        return None
    counts = torch.bincount(labels, minlength=classes).float()
    inverse = torch.where(counts > 0, 1 / counts.clamp(min=1), counts)
    return inverse / inverse[counts > 0].mean()


def warm_up() -> None:
    """Take a step of nothing: torch's first optimizer imports its compiler, a second and 100 MiB."""
    weight = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    optimizer.zero_grad()
    weight.sum().backward()
    optimizer.step()
