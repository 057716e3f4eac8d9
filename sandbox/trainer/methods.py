"""Choice of how references are trained on a GPU: measured on the device itself when a build begins.

Three methods compute the same networks, up to the order of float additions::

    alone          one network at a time
    side by side   some networks, each a module of its own in a stream of its own
    stacked        some networks as one (`sandbox.networks.stacked_layers`)

On a GPU each step is a CUDA graph, whatever the method. A challenge records the size of its groups, and every
method has a size of its own: so the size tells the method when an interrupted build is resumed. On a CPU
nothing is measured: a stack of 16, or one network at a time, as `sandbox.trainer.training.group_size` has it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from sandbox.networks.architectures import can_be_stacked
from sandbox.protocol.presets import Preset
from sandbox.trainer.rate import steps_per_second
from sandbox.trainer.training import GROUP_SIZE, train_stacked

_MEASURED_BATCHES: Final = 30
_FEW_REFERENCES: Final = 2 * GROUP_SIZE
"""Fewer are trained sooner than the methods are measured."""
_SIDE_BY_SIDE_SIZE: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How the references of a group are trained."""

    name: str
    group_size: int
    side_by_side: bool = False


METHODS: Final = (
    Method(name="stacked", group_size=GROUP_SIZE),
    Method(name="side by side", group_size=_SIDE_BY_SIDE_SIZE, side_by_side=True),
    Method(name="alone", group_size=1),
)
"""The first is the default."""


def is_side_by_side(group_size: int, device: str) -> bool:
    """Return whether groups of that size are trained side by side on a device."""
    return device != "cpu" and group_size == _SIDE_BY_SIDE_SIZE


def should_measure(architecture: str, device: str, references: int) -> bool:
    """Return whether the methods differ on this device, and are worth measuring for so many references."""
    return device != "cpu" and can_be_stacked(architecture) and references >= _FEW_REFERENCES


def choose(rates: Mapping[str, float]) -> Method:
    """Return the method with the highest rate; of equal ones, the first of `METHODS`.

    Args:
        rates: Steps of single networks per second, by the method's name; 0 for one that failed.
    """
    return max(METHODS, key=lambda method: rates.get(method.name, 0.0))


def measure_methods(
    *,
    architecture: str,
    classes: int,
    images: Tensor,
    labels: Tensor,
    preset: Preset,
    on_measured: Callable[[int], None] = lambda _done: None,
) -> dict[str, float]:
    """Return each method's rate on the device of the images, for `choose`.

    Args:
        architecture: Name in `sandbox.networks.architectures`.
        classes: Number of classes of the head.
        images: Shape [examples, channels, h, w]; the first batches are used.
        labels: Shape [examples].
        preset: Its epochs and its best epoch do not matter.
        on_measured: Called with the number of methods that were measured so far.
    """
    examples = min(len(images), _MEASURED_BATCHES * preset.batch_size)
    steps = -(-examples // preset.batch_size)
    rates = {}
    for done, method in enumerate(METHODS, start=1):

        def train(epochs: int, method: Method = method) -> None:
            train_stacked(
                architecture=architecture,
                classes=classes,
                images=images[:examples],
                labels=labels[:examples],
                seeds=range(method.group_size),
                preset=replace(preset, epochs=epochs, keep="last"),
                side_by_side=method.side_by_side,
            )

        rates[method.name] = rate_of(train, method.group_size * steps, images.device)
        on_measured(done)
    return rates


def rate_of(train: Callable[[int], None], steps: int, device: torch.device) -> float:
    """Return how many steps of single networks a second a training takes, or 0 if it fails on this device.

    Args:
        train: Trains for a number of epochs.
        steps: Of all its networks in an epoch.
        device: On which it trains.
    """
    try:
        return steps_per_second(lambda epochs: _seconds(train, epochs, device), steps)
    except RuntimeError:  # such as too little memory for so many networks
        if device.type == "cuda":
            torch.cuda.empty_cache()
        return 0.0


def _seconds(train: Callable[[int], None], epochs: int, device: torch.device) -> float:
    """Return the seconds of a training."""
    began = time.monotonic()
    train(epochs)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic() - began
