"""Optimisers and class weights, as a preset says them."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from sandbox.protocol.presets import Preset


class SteeredSGD(torch.optim.Optimizer):
    """SGD whose learning rate is a tensor, so that a recorded step follows the schedule.

    torch.optim.SGD takes such a rate too, but reads it back to the host at every step, which a CUDA
    graph cannot hold. The arithmetic is the same.
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
        """Take what torch.optim.SGD takes; buffers start at zero, which after a step is the same."""
        super().__init__(parameters, {"lr": lr})
        self._parameters = [one for group in self.param_groups for one in group["params"]]
        for one in self._parameters if momentum else ():
            self.state[one] = {"momentum_buffer": torch.zeros_like(one)}
        self._momentum, self._weight_decay, self._nesterov = momentum, weight_decay, nesterov

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient along it."""
        weights = [one for one in self._parameters if one.grad is not None]
        moves = [one.grad for one in weights]
        if self._weight_decay:
            moves = torch._foreach_add(moves, weights, alpha=self._weight_decay)
        if self._momentum:
            buffers = [self.state[one]["momentum_buffer"] for one in weights]
            torch._foreach_mul_(buffers, self._momentum)
            torch._foreach_add_(buffers, moves)
            moves = torch._foreach_add(moves, buffers, alpha=self._momentum) if self._nesterov else buffers
        torch._foreach_sub_(weights, torch._foreach_mul(moves, self.param_groups[0]["lr"]))


def optimizer(net: nn.Module, preset: Preset, *, steered: bool = False) -> torch.optim.Optimizer:
    """Return the optimiser of a preset.

    Args:
        net: Where its parameters will stay.
        preset: The recipe of it.
        steered: Whether its steps are to be recorded: its rate is then a tensor on the device.
    """
    parameters = list(net.parameters())
    device = parameters[0].device
    rate = torch.tensor(preset.learning_rate, device=device) if steered else preset.learning_rate
    if preset.optimizer == "adam":
        on_gpu = steered and device.type == "cuda"  # Adam knows no recording elsewhere
        return torch.optim.Adam(
            parameters,
            lr=rate,
            weight_decay=preset.weight_decay,
            capturable=on_gpu,
            foreach=True if on_gpu else None,
        )
    if isinstance(rate, Tensor):
        return SteeredSGD(
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


def set_rate(of: torch.optim.Optimizer, rate: float) -> None:
    """Change the learning rate; where it is a tensor, in its place."""
    for group in of.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def class_weights(preset: Preset, labels: Tensor, classes: int) -> Tensor | None:
    """Return what each class counts in the loss, or None where all count alike.

    Returns:
        Float32 [classes]: the inverse of how often a class occurs in ``labels``, with a mean of 1 over
        those that do; 0 for those that do not.
    """
    if preset.class_weights == "none":
        return None
    counts = torch.bincount(labels, minlength=classes).float()
    inverse = torch.where(counts > 0, 1 / counts.clamp(min=1), counts)
    return inverse / inverse[counts > 0].mean()
