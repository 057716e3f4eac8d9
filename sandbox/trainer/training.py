"""Training from scratch: many networks at once, each with its own seed.

A group of networks is trained as one stacked network (`sandbox.networks.stacking`) on images that
stay in memory. Every network has its own initial weights and its own order of batches,
both from its own seed; the sum of the losses keeps the gradients apart. The groups are
of a fixed size, so that reference i is the same however many are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from sandbox.networks.architectures import build, can_be_stacked, layout_of
from sandbox.networks.stacking import State, stack, unstack
from sandbox.protocol.presets import Preset
from sandbox.trainer.best_epoch import Best
from sandbox.trainer.lr_schedule import rate
from sandbox.trainer.optimizers import class_weights, optimizer
from sandbox.trainer.snapshots import Snapshots, Training
from sandbox.trainer.train_step import Captured, Eager, Recorder, Step, Stepper, recorder_for

Split = Mapping[str, Tensor]

_STACKED: Final = 16
_STACKED_ON_GPUS_ALONE: Final = frozenset({"resnet18"})
"""On a core of a CPU, two side by side took 1.2 times and four 1.8 times as long a network as one alone
(32x32 images, batches of 64): oneDNN does ungrouped convolutions better. On a GPU stacking is meant to
hide what launching kernels takes; that has not been measured."""


def group_size(architecture: str, device: str) -> int:
    """Return how many references are trained as one network.

    A reference depends on it, since the order of float additions does: a challenge says which it was.
    """
    if architecture in _STACKED_ON_GPUS_ALONE and device == "cpu":
        return 1
    return _STACKED if can_be_stacked(architecture) else 1


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
    snapshots: Snapshots | None = None,
) -> list[dict[str, Tensor]]:
    """Train one network a seed and return their weights, in the order of the seeds.

    Args:
        architecture: Name in `sandbox.networks.architectures`.
        classes: How many the head tells apart.
        images: Shape [examples, channels, h, w], on the device to train on.
        labels: Shape [examples].
        seeds: One a network.
        preset: The recipe of the optimiser.
        val: On the same device; needed where the preset keeps the best by validation.
        on_epoch: Told the number of epochs done after each.
        recording: What records steps on a device, if anything does.
        snapshots: By which the training goes on if it is interrupted.
    """
    models = len(seeds)
    net = build(architecture, classes, models)
    net.load_state_dict(stack([initial_state(architecture, classes, seed) for seed in seeds]))
    layout = layout_of(architecture)
    net.to(device=images.device, memory_format=layout).train()  # type: ignore[call-overload]
    torch.manual_seed(seeds[0])  # dropout draws from here; networks that may have it are never stacked
    # Others may draw numbers or ask for values in mid-step, and a recording that fails spoils the generator.
    recorder = recording(images.device) if can_be_stacked(architecture) else None
    step = Step(
        net=net,
        optimizer=optimizer(net, preset, steered=recorder is not None),
        images=images,
        labels=labels,
        weights=class_weights(preset, labels, classes),
        layout=layout,
    )
    stepper: Stepper = Eager(step) if recorder is None else Captured(step, recorder)
    best = None
    if preset.keep == "best-by-validation":
        assert val is not None
        best = Best(net, val, models, layout)
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    steps = -(-len(images) // preset.batch_size)
    training = Training(net=net, optimizer=step.optimizer, best=best, orders=orders, device=images.device)
    done = 0 if snapshots is None or snapshots.earlier is None else training.go_on_from(snapshots.earlier)
    for epoch in range(done, preset.epochs):
        order = torch.stack([torch.randperm(len(images), generator=order) for order in orders])
        for number, rows in enumerate(order.to(images.device).split(preset.batch_size, dim=1)):
            if rows.shape[1] > 1:  # batch normalisation cannot learn from one value
                stepper.take(rows, rate(preset, epoch * steps + number, steps))
        if best is not None:
            best.look()
        on_epoch(epoch + 1)
        if snapshots is not None and epoch + 1 < preset.epochs:
            snapshots.offer(training, epoch + 1)
    state = net.state_dict() if best is None else best.state()
    return unstack({name: tensor.cpu() for name, tensor in state.items()}, models)
