"""Training from scratch: many networks at once, each with its own seed.

A group of networks is trained as one stacked network (`sandbox.stack`) on images that
stay in memory. Every network has its own initial weights and its own order of batches,
both from its own seed; the sum of the losses keeps the gradients apart. The groups are
of a fixed size, so that reference i is the same however many are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from sandbox.keeping import Best
from sandbox.models import build
from sandbox.optimizing import class_weights, optimizer
from sandbox.preset import Preset
from sandbox.schedule import rate
from sandbox.stack import State, stack, unstack
from sandbox.stepping import Captured, Eager, Recorder, Step, Stepper, recorder_for

Split = Mapping[str, Tensor]


def initial_state(architecture: str, classes: int, seed: int) -> State:
    """Return the untrained weights that a seed gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(architecture, classes).state_dict()


def train_stacked(
    *,
    architecture: str,
    classes: int,
    images: Tensor,
    labels: Tensor,
    seeds: Sequence[int],
    preset: Preset,
    val: Split | None = None,
    on_epoch: Callable[[int], None] = lambda _epoch: None,
    recording: Callable[[torch.device], Recorder | None] = recorder_for,
) -> list[dict[str, Tensor]]:
    """Train one network a seed and return their weights, in the order of the seeds.

    Args:
        architecture: Name in `sandbox.models`.
        classes: How many the head tells apart.
        images: Shape [examples, channels, h, w], on the device to train on.
        labels: Shape [examples].
        seeds: One a network.
        preset: The recipe of the optimiser.
        val: On the same device; needed where the preset keeps the best by validation.
        on_epoch: Told the number of epochs done after each.
        recording: What records steps on a device, if anything does.
    """
    models = len(seeds)
    net = build(architecture, classes, models)
    net.load_state_dict(stack([initial_state(architecture, classes, seed) for seed in seeds]))
    net.to(device=images.device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    recorder = recording(images.device)
    step = Step(
        net=net,
        optimizer=optimizer(net, preset, steered=recorder is not None),
        images=images,
        labels=labels,
        weights=class_weights(preset, labels, classes),
    )
    stepper: Stepper = Eager(step) if recorder is None else Captured(step, recorder)
    best = None
    if preset.keep == "best-by-validation":
        assert val is not None
        best = Best(net, val, models)
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    steps = -(-len(images) // preset.batch_size)
    for epoch in range(preset.epochs):
        order = torch.stack([torch.randperm(len(images), generator=order) for order in orders])
        for number, rows in enumerate(order.to(images.device).split(preset.batch_size, dim=1)):
            if rows.shape[1] > 1:  # batch normalisation cannot learn from one value
                stepper.take(rows, rate(preset, epoch * steps + number, steps))
        if best is not None:
            best.look()
        on_epoch(epoch + 1)
    state = net.state_dict() if best is None else best.state()
    return unstack({name: tensor.cpu() for name, tensor in state.items()}, models)
